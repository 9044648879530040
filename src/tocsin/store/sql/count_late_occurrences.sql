-- Triggers that arrived after the resolve of the alert they belong to: they count, and move nothing.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE alerts SET
    occurrence_count = alerts.occurrence_count + given.more,
    last_received_at = greatest(alerts.last_received_at, given.received_at)
FROM (
    SELECT * FROM unnest(%(ids)s, %(more)s, %(received)s) LIMIT cardinality(%(ids)s)
) AS given (id, more, received_at)
WHERE alerts.id = given.id
