-- Who was paged of alerts that are over, by which contact methods, and has not been told since that they are.
-- Not who has ended them (`by`: a person, or one of their contact methods). `waiting`: messages of that kind
-- that have not left yet.
SELECT paged.alert_id, paged.alert_destination_id, paged.user_id, paged.alert_rule_id, paged.escalation_id,
       (SELECT count(*) FROM (
            SELECT FROM alert_deliveries AS other
            WHERE other.alert_destination_id = paged.alert_destination_id
              AND other.status IN ('queued', 'deferred') AND other.reason = 'paged_before'
            LIMIT %(most)s) AS pending)::int AS waiting
FROM unnest(%(ids)s, %(by)s) AS asked (alert_id, by)
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (alert_destination_id)
           alert_id, alert_destination_id, user_id, alert_rule_id, escalation_id, event_type
    FROM alert_deliveries
    WHERE alert_id = asked.alert_id AND user_id IS NOT NULL
      AND (status::text = 'sent' OR event_type IN ('alerts.resolved', 'alerts.closed'))
    ORDER BY alert_destination_id, sequence DESC
    OFFSET 0
) AS paged
WHERE paged.event_type NOT IN ('alerts.resolved', 'alerts.closed')
  AND asked.by IS DISTINCT FROM paged.user_id
  AND NOT EXISTS (SELECT FROM alert_destinations AS own
                  WHERE own.id = asked.by AND own.user_id = paged.user_id)
