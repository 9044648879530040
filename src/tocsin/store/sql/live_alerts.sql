-- All live alerts of these integrations, with what to lock them by.
SELECT alert.id, alert.integration_id, alert.external_id
FROM unnest(%(integration_ids)s::uuid[]) AS asked (integration_id)
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts
    WHERE integration_id = asked.integration_id AND status IN ('OPEN', 'ACKNOWLEDGED')
    OFFSET 0
) AS alert
