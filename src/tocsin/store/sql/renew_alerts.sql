-- Alerts of which a sender says again what is so, and nothing else: they are renewed, with its lease on
-- them, if they still are what they were. Their keys are locked. Gives no row when all of them were (the
-- common case), else one row with those that were.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
WITH renewed AS (
    UPDATE alerts SET
        occurrence_count = alerts.occurrence_count + 1,
        last_received_at = greatest(alerts.last_received_at, given.received_at),
        last_signal_at = given.said_at,
        updated_at = %(now)s
    FROM (
        SELECT unnest(%(id)s) AS id, unnest(%(words_digest)s) AS words_digest,
               unnest(%(severity)s) AS severity, unnest(%(said_at)s) AS said_at,
               unnest(%(received_at)s) AS received_at, unnest(%(sender)s) AS sender,
               unnest(%(ends_at)s) AS ends_at, unnest(%(lapses_at)s) AS lapses_at
        LIMIT cardinality(%(id)s)
    ) AS given
    WHERE alerts.id = given.id
      AND alerts.status IN ('OPEN', 'ACKNOWLEDGED')
      AND alerts.severity = given.severity::alert_severity
      AND alerts.words_digest = given.words_digest
      AND alerts.last_signal_at <= given.said_at
    RETURNING alerts.id, given.sender, given.ends_at, given.lapses_at
), leased AS (
    INSERT INTO alert_leases (alert_id, sender, ends_at, lapses_at)
    SELECT id, sender, ends_at, lapses_at FROM renewed
    ON CONFLICT (alert_id, sender) DO UPDATE SET
        ends_at = greatest(alert_leases.ends_at, excluded.ends_at),
        lapses_at = greatest(alert_leases.lapses_at, excluded.lapses_at)
)
SELECT array_agg(id) AS renewed FROM renewed HAVING count(*) < %(count)s
