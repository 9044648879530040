-- Notify the workspace's fallback destination, in the transaction that records the failure, so that no
-- crash can lie between the two.
--
-- It is notified when a destination has been failing for the set time, or is broken for good: once per
-- failing period, with the message that just failed (`fallback_told_at` is cleared by a success). And
-- it is notified of a page, or a message for a CRITICAL alert, that was given up: once per event of an alert,
-- whichever destinations gave up (a unique index, not a look before the write, sees to that). A reopened
-- alert, or one that has become worse, is another event.
--
-- Of a message about several alerts, the copy lists the same ones.
--
-- Nothing is made of its own failures, nor of those of another fallback message: both would go round in
-- circles.
WITH given AS (
    SELECT * FROM json_to_recordset(%(failures)s::json) AS f (id uuid, given_up bool, broken bool)
), failed AS (
    SELECT d.id, d.workspace_id, d.tenant_id, d.alert_rule_id, d.alert_destination_id, d.alert_id,
           d.event_type, d.payload, d.urgency, d.group_id, given.broken, destination.name,
           given.given_up AND (
               d.reason = 'escalation'
               OR coalesce(d.payload #>> '{alert,severity}', d.payload #>> '{group,severity}')
                   = 'CRITICAL') AS critical,
           fallback.id AS fallback_id
    FROM given
    JOIN alert_deliveries AS d ON d.id = given.id
    JOIN workspaces AS workspace ON workspace.id = d.workspace_id
    JOIN alert_destinations AS fallback
      ON fallback.id = workspace.fallback_destination_id
     AND fallback.workspace_id = workspace.id AND fallback.is_enabled
    JOIN alert_destinations AS destination ON destination.id = d.alert_destination_id
    WHERE d.event_type <> 'alerts.test'
      AND d.reason <> 'fallback'
      AND d.alert_destination_id <> fallback.id
), period AS (
    UPDATE destination_states AS state
    SET fallback_told_at = now()
    WHERE state.fallback_told_at IS NULL
      AND (state.failing_since <= now() - make_interval(secs => %(failing_seconds)s)
           AND state.alert_destination_id IN (SELECT alert_destination_id FROM failed)
           OR state.alert_destination_id IN (SELECT alert_destination_id FROM failed WHERE broken))
    RETURNING state.alert_destination_id, state.failing_since
), notified AS (
    SELECT DISTINCT ON (failed.alert_destination_id)
           failed.*,
           'Sent here because the destination "' || failed.name || '" has not taken a message since '
           || to_char(period.failing_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC."') AS note
    FROM failed
    JOIN period ON period.alert_destination_id = failed.alert_destination_id
    UNION ALL
    SELECT failed.*,
           'Sent here because it could not be delivered to the destination "' || failed.name || '".'
    FROM failed
    WHERE critical
), made AS (
    INSERT INTO alert_deliveries (
        id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
        payload, reason, urgency, group_id, detail)
    SELECT (%(ids)s::uuid[])[row_number() OVER ()], workspace_id, tenant_id, alert_rule_id, fallback_id,
           alert_id, event_type, 'queued', payload || jsonb_build_object('note', note), 'fallback', urgency,
           group_id,
           jsonb_build_object('fallback_for', jsonb_build_object(
               'alert_delivery_id', id, 'alert_destination_id', alert_destination_id, 'name', name))
    FROM notified
    ON CONFLICT (alert_id, alert_destination_id, event_type, (payload ->> 'created_at'),
                 (payload #>> '{alert,severity}')) WHERE reason = 'fallback' DO NOTHING
    RETURNING id, detail #>> '{fallback_for,alert_delivery_id}' AS stands_for
), listed AS (
    INSERT INTO alert_delivery_alerts (alert_delivery_id, alert_id, place)
    SELECT made.id, of_first.alert_id, of_first.place
    FROM made
    JOIN alert_delivery_alerts AS of_first ON of_first.alert_delivery_id = made.stands_for::uuid
)
SELECT id FROM made
