-- Targets of one key with messages that are held, in the order of their ids, from after one on.
SELECT alert.id, alert.integration_id, alert.external_id
FROM (
    SELECT alert_id FROM inhibition_targets AS target
    WHERE key = %(key)s AND alert_id > %(after)s
      AND EXISTS (
          SELECT FROM alert_deliveries
          WHERE alert_id = target.alert_id AND status = 'deferred'
          OFFSET 0
      )
    ORDER BY alert_id LIMIT %(most)s
) AS target
CROSS JOIN LATERAL (
    SELECT id, integration_id, external_id FROM alerts WHERE id = target.alert_id OFFSET 0
) AS alert
ORDER BY alert.id
