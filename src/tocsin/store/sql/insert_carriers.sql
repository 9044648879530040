-- Messages about several alerts, in the transaction that makes them due, each with the alerts that it lists:
-- `listing` says whose place in `ids` an entry of `listed` belongs to.
WITH carrier AS (
    INSERT INTO alert_deliveries (
        id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, event_type, status, payload,
        reason, detail, urgency, group_id, created_at, updated_at)
    SELECT id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, event_type, 'queued',
           payload::jsonb, reason, detail::jsonb, urgency::alert_severity, group_id, %(now)s, %(now)s
    FROM unnest(
        %(ids)s, %(workspace_ids)s, %(tenant_ids)s, %(rule_ids)s, %(destination_ids)s,
        %(event_types)s, %(payloads)s, %(reasons)s, %(details)s, %(urgencies)s, %(group_ids)s
    ) WITH ORDINALITY AS given (
        id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, event_type, payload, reason,
        detail, urgency, group_id, place)
    ORDER BY place
)
INSERT INTO alert_delivery_alerts (alert_delivery_id, alert_id, place)
SELECT alert_delivery_id, alert_id, place
FROM unnest(%(listing)s, %(listed)s, %(places)s) AS entry (alert_delivery_id, alert_id, place)
