-- The front of the index on lapses_at. An alert that is gone leaves its id only.
SELECT due.alert_id, alerts.integration_id, alerts.external_id
FROM (
    SELECT alert_id FROM alert_leases WHERE lapses_at <= %(now)s ORDER BY lapses_at LIMIT %(most)s
) AS due
LEFT JOIN alerts ON alerts.id = due.alert_id
