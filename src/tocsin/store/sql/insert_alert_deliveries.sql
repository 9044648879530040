-- The messages, in the transaction that makes them due. Rows of one alert are inserted while its key
-- is locked, in order, so `sequence` is the order of sending.
INSERT INTO alert_deliveries (
    id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
    send_after, payload, reason, detail, urgency, group_id, created_at,
    updated_at)
SELECT id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type,
       status::alert_delivery_status, send_after, payload::jsonb, reason, detail::jsonb,
       urgency::alert_severity, group_id, created_at, created_at
FROM unnest(
    %(ids)s, %(workspace_ids)s, %(tenant_ids)s, %(rule_ids)s, %(destination_ids)s, %(alert_ids)s,
    %(event_types)s, %(statuses)s, %(send_after)s, %(payloads)s, %(reasons)s, %(details)s,
    %(urgencies)s, %(created)s, %(group_ids)s
) WITH ORDINALITY AS given (
    id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
    send_after, payload, reason, detail, urgency, created_at, group_id, place)
ORDER BY place
