-- Pages, and what goes to a fallback instead, in the transaction in which their step is taken.
--
-- A contact method that still had a page to come for the same alert, of an earlier step or gathered with others, gets the new one
-- in its place: in its lane nothing overtakes what is pending, and one page at a time is enough.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        %(id)s, %(workspace_id)s, %(tenant_id)s, %(alert_rule_id)s, %(alert_destination_id)s,
        %(alert_id)s, %(event_type)s, %(status)s, %(send_after)s, %(payload)s, %(reason)s, %(detail)s,
        %(urgency)s, %(escalation_id)s, %(user_id)s
    ) WITH ORDINALITY AS given (
        id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
        send_after, payload, reason, detail, urgency, escalation_id, user_id, place)
    WHERE :PART(unless_void)
    LIMIT cardinality(%(id)s)
), replaced AS (
    UPDATE alert_deliveries AS earlier
    SET status = 'canceled', reason = 'superseded', updated_at = %(now)s, group_id = NULL,
        detail = earlier.detail || '{"planned_reason": "escalation"}'::jsonb
    FROM (SELECT DISTINCT alert_id, alert_destination_id FROM given
          LIMIT cardinality(%(id)s)) AS again
    WHERE earlier.alert_id = again.alert_id
      AND earlier.alert_destination_id = again.alert_destination_id
      AND earlier.status::text = 'deferred' AND earlier.carried_by IS NULL
      AND earlier.reason IN ('escalation', 'bundled')
)
INSERT INTO alert_deliveries (
    id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
    send_after, payload, reason, detail, urgency, escalation_id, user_id, created_at, updated_at)
SELECT id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type,
       status::alert_delivery_status, send_after, payload::jsonb, reason, detail::jsonb,
       urgency::alert_severity, escalation_id, user_id, %(now)s, %(now)s
FROM given
ORDER BY place
ON CONFLICT DO NOTHING
