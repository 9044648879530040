-- Of pages that are about to be sent, those that are over by now, with how their alert stands. A page about
-- several alerts is over as soon as any of them is; `goes_on` then says whether any is not, so that
-- another is made of what is left.
SELECT page.id, alert.status::text, false AS goes_on
FROM unnest(%(ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT id, alert_id FROM alert_deliveries WHERE id = asked.id OFFSET 0
) AS page
CROSS JOIN LATERAL (
    SELECT status FROM alerts WHERE id = page.alert_id OFFSET 0
) AS alert
WHERE alert.status <> 'OPEN'
UNION ALL
SELECT asked.id, max(alert.status)::text, bool_or(alert.status = 'OPEN')
FROM unnest(%(ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT alert_id FROM alert_deliveries WHERE carried_by = asked.id OFFSET 0
) AS carried
CROSS JOIN LATERAL (
    SELECT status FROM alerts WHERE id = carried.alert_id OFFSET 0
) AS alert
GROUP BY asked.id
HAVING bool_or(alert.status <> 'OPEN')
