-- Of pages that are about to be sent, those that are over by now, with how their alert stands.
SELECT page.id, alert.status::text
FROM unnest(%(ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT id, alert_id FROM alert_deliveries WHERE id = asked.id OFFSET 0
) AS page
CROSS JOIN LATERAL (
    SELECT status FROM alerts WHERE id = page.alert_id OFFSET 0
) AS alert
WHERE alert.status <> 'OPEN'
