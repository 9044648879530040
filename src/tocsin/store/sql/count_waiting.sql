-- How many messages of each tenant wait for the rate of these destinations, as far as somebody needs to
-- know: the front of the queue is looked at, and no more, however long it is.
SELECT waiting.alert_destination_id, waiting.tenant_id, waiting.workspace_id,
       (array_agg(waiting.alert_rule_id))[1] AS alert_rule_id, count(*)::int AS waiting
FROM unnest(%(destinations)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT front.* FROM unnest(enum_range(NULL::alert_severity)) AS level (urgency)
    CROSS JOIN LATERAL (
        SELECT d.alert_destination_id, d.tenant_id, d.workspace_id, d.alert_rule_id
        FROM alert_deliveries AS d
        WHERE d.alert_destination_id = asked.id AND d.urgency = level.urgency
          AND d.status = 'queued' AND d.send_after IS NULL
          AND (d.alert_id IS NOT NULL OR d.event_type = 'alerts.group')
          AND d.attempt_count = 0 AND d.leased_by IS NULL
          AND d.reason NOT IN ('fallback', 'escalation')
        ORDER BY d.sequence LIMIT %(most)s) AS front
    LIMIT %(most)s
) AS waiting
GROUP BY waiting.alert_destination_id, waiting.tenant_id, waiting.workspace_id
