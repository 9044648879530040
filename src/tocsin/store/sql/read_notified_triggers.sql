-- The newest trigger message of each alert to each destination: whoever was not notified of the
-- beginning is not notified of the end. OFFSET 0 keeps it a look-up per alert, whatever the planner thinks
-- of the size of the table. What says that an alert flaps, or has settled, stands in for a trigger
-- that was held because of it. Those that are held, or wait in a group or a
-- storm, are left out where `with_held` is 0; what another message carries is not. With `with_past` 1 it is said
-- which are of an earlier episode: the alert was reopened since.
SELECT newest.*
FROM unnest(%(ids)s) AS asked (alert_id)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (alert_destination_id)
           alert_id, alert_destination_id, status::text, reason, send_after, alert_rule_id, detail,
           carried_by IS NOT NULL AS is_carried,
           CASE WHEN %(with_past)s = 1 THEN EXISTS (
               SELECT FROM alert_events AS event
               WHERE event.alert_id = asked.alert_id AND event.kind = 'reopened'
                 AND event.at > alert_deliveries.created_at) END AS is_past
    FROM alert_deliveries
    WHERE alert_id = asked.alert_id
      AND (event_type = 'alerts.triggered'
              AND (detail -> 'holds' @> '[{"reason": "flapping"}]') IS NOT TRUE
           OR event_type IN ('alerts.flapping', 'alerts.settled')
              AND status::text NOT IN ('canceled', 'suppressed'))
      AND (%(with_held)s = 1 OR status::text <> 'deferred' OR carried_by IS NOT NULL)
    ORDER BY alert_destination_id, sequence DESC
    OFFSET 0
) AS newest
