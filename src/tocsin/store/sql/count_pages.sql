-- How many pages wait for the budget of these contact methods, at most so many of each severity: fresh ones,
-- and those whose delay is over. What they need as a group is that of any of them.
SELECT waiting.alert_destination_id, (array_agg(waiting.tenant_id))[1] AS tenant_id,
       (array_agg(waiting.workspace_id))[1] AS workspace_id,
       (array_agg(waiting.alert_rule_id))[1] AS alert_rule_id, count(*)::int AS waiting
FROM unnest(%(destinations)s::uuid[]) AS asked (id)
CROSS JOIN unnest(enum_range(NULL::alert_severity)) AS level (urgency)
CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT d.alert_destination_id, d.tenant_id, d.workspace_id, d.alert_rule_id
        FROM alert_deliveries AS d
        WHERE d.alert_destination_id = asked.id AND d.urgency = level.urgency
          AND d.status = 'queued' AND d.send_after IS NULL
          AND d.reason = 'escalation' AND d.event_type = 'alerts.triggered'
          AND d.attempt_count = 0 AND d.leased_by IS NULL
        ORDER BY d.sequence LIMIT %(most)s) AS fresh
    UNION ALL
    SELECT * FROM (
        SELECT d.alert_destination_id, d.tenant_id, d.workspace_id, d.alert_rule_id
        FROM alert_deliveries AS d
        WHERE d.alert_destination_id = asked.id AND d.urgency = level.urgency
          AND d.status = 'queued' AND d.send_after <= now()
          AND d.reason = 'escalation' AND d.event_type = 'alerts.triggered'
          AND d.attempt_count = 0 AND d.leased_by IS NULL
        ORDER BY d.send_after, d.sequence LIMIT %(most)s) AS due
) AS waiting
GROUP BY waiting.alert_destination_id
