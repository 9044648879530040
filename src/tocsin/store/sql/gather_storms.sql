-- What waits at these destinations for tenants that have a storm there joins it, and so do pages where one
-- person's are gathered, in portions. Rows that
-- somebody is changing are passed over, and so are those of which a message of the same alert (or group) is
-- under way or was tried: they keep their order by themselves. Neither tests nor fallback messages are
-- gathered, nor pages but to people, nor digests. The message of a group is not sent: what it carries joins
-- instead. Pages are of whichever tenant, and also those whose delay is over.
--
-- A storm that gets something worse than it had is looked at at once. As with every group, it is locked
-- after the rows (`join_groups.sql`).
WITH storm AS (
    SELECT id, kind, alert_destination_id, tenant_id FROM alert_groups
    WHERE kind IN ('storm', 'pages') AND alert_destination_id = ANY (%(destinations)s::uuid[])
), picked AS MATERIALIZED (
    SELECT front.id, front.is_carrier, storm.id AS storm_id, storm.kind
    FROM storm
    CROSS JOIN unnest(enum_range(NULL::alert_severity)) AS level (urgency)
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT d.id, d.alert_id IS NULL AS is_carrier FROM alert_deliveries AS d
            WHERE d.alert_destination_id = storm.alert_destination_id AND d.urgency = level.urgency
              AND d.status = 'queued' AND d.send_after IS NULL
              AND CASE storm.kind
                  WHEN 'pages' THEN d.reason = 'escalation' AND d.event_type = 'alerts.triggered'
                  ELSE d.tenant_id = storm.tenant_id AND d.reason NOT IN ('fallback', 'escalation')
                       AND (d.alert_id IS NOT NULL OR d.event_type = 'alerts.group') END
              AND d.attempt_count = 0 AND d.leased_by IS NULL
              AND NOT EXISTS (
                  SELECT FROM (
                      SELECT other.attempt_count, other.leased_by FROM alert_deliveries AS other
                      WHERE other.alert_destination_id = d.alert_destination_id
                        AND coalesce(other.alert_id, other.group_id) = coalesce(d.alert_id, d.group_id)
                        AND other.status IN ('queued', 'deferred')
                      ORDER BY other.sequence OFFSET 0) AS same
                  WHERE same.attempt_count > 0 OR same.leased_by IS NOT NULL)
            ORDER BY d.sequence LIMIT %(most)s
            FOR UPDATE OF d SKIP LOCKED) AS fresh
        UNION ALL
        SELECT * FROM (
            SELECT d.id, false AS is_carrier FROM alert_deliveries AS d
            WHERE storm.kind = 'pages'
              AND d.alert_destination_id = storm.alert_destination_id AND d.urgency = level.urgency
              AND d.status = 'queued' AND d.send_after <= now()
              AND d.reason = 'escalation' AND d.event_type = 'alerts.triggered'
              AND d.attempt_count = 0 AND d.leased_by IS NULL
            ORDER BY d.send_after, d.sequence LIMIT %(most)s
            FOR UPDATE OF d SKIP LOCKED) AS due
    ) AS front
), carried AS MATERIALIZED (
    SELECT row.id, picked.id AS carrier_id, picked.storm_id
    FROM picked
    CROSS JOIN LATERAL (
        SELECT m.id FROM alert_deliveries AS m
        WHERE picked.is_carrier AND m.carried_by = picked.id AND m.status::text = 'deferred'
        FOR UPDATE OF m SKIP LOCKED) AS row
), given_up AS (
    -- Those of which everything could be had.
    UPDATE alert_deliveries AS d
    SET status = 'canceled', reason = 'superseded', updated_at = now(),
        detail = d.detail || jsonb_build_object('planned_reason', d.reason)
    FROM picked
    WHERE d.id = picked.id AND picked.is_carrier
      AND (SELECT count(*) FROM carried WHERE carried.carrier_id = picked.id)
          = (SELECT count(*) FROM alert_deliveries AS m
             WHERE m.carried_by = picked.id AND m.status::text = 'deferred')
    RETURNING d.id
), joining AS (
    SELECT id, storm_id, kind FROM picked WHERE NOT is_carrier
    UNION ALL
    SELECT carried.id, carried.storm_id, 'storm'
    FROM carried JOIN given_up ON given_up.id = carried.carrier_id
), gathered AS (
    UPDATE alert_deliveries AS d
    SET status = 'deferred', group_id = joining.storm_id, carried_by = NULL,
        reason = CASE joining.kind WHEN 'pages' THEN 'bundled' ELSE 'rate_limited' END,
        send_after = NULL, updated_at = now()
    FROM joining
    WHERE d.id = joining.id
    RETURNING d.group_id, d.alert_id, d.event_type, d.urgency
), counted AS (
    UPDATE alert_groups AS storm
    SET gathered = storm.gathered + came.count,
        look_at = CASE WHEN storm.last_sent_at IS NULL OR storm.told IS NULL
                            OR came.worst < storm.told
                       THEN now() ELSE storm.look_at END
    FROM (SELECT group_id, count(*) AS count, min(urgency) AS worst FROM gathered GROUP BY group_id)
         AS came
    WHERE storm.id = came.group_id
    RETURNING storm.id
), joined AS (
    INSERT INTO alert_group_members (group_id, alert_id, joined_at, told_at)
    SELECT group_id, alert_id, now(),
           CASE WHEN bool_or(event_type = 'alerts.triggered') THEN NULL
                ELSE now() - interval '1 microsecond' END
    FROM gathered
    GROUP BY group_id, alert_id
    ON CONFLICT DO NOTHING
)
SELECT ((SELECT count(*) FROM picked WHERE NOT is_carrier) + (SELECT count(*) FROM given_up))::int
       AS gathered
