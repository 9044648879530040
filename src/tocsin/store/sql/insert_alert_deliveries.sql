-- The messages, in the transaction that makes them due. Rows of one alert are inserted while its key
-- is locked, in the order of the arrays, so `sequence` is the order of sending.
INSERT INTO alert_deliveries (
    id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type, status,
    send_after, payload, reason, detail, urgency, group_id, created_at,
    updated_at)
SELECT id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id, event_type,
       status::alert_delivery_status, send_after, payload::jsonb, reason, detail::jsonb,
       urgency::alert_severity, group_id, created_at, created_at
FROM (
    SELECT unnest(%(ids)s) AS id, unnest(%(workspace_ids)s) AS workspace_id,
           unnest(%(tenant_ids)s) AS tenant_id, unnest(%(rule_ids)s) AS alert_rule_id,
           unnest(%(destination_ids)s) AS alert_destination_id, unnest(%(alert_ids)s) AS alert_id,
           unnest(%(event_types)s) AS event_type, unnest(%(statuses)s) AS status,
           unnest(%(send_after)s) AS send_after, unnest(%(payloads)s) AS payload,
           unnest(%(reasons)s) AS reason, unnest(%(details)s) AS detail,
           unnest(%(urgencies)s) AS urgency, unnest(%(created)s) AS created_at,
           unnest(%(group_ids)s) AS group_id
) AS given
WHERE :PART(unless_void)
