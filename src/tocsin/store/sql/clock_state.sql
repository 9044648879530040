-- What the clock goes by. The end of the first hold is at the front of its index.
SELECT version AS configuration_version,
       (SELECT send_after FROM alert_deliveries
        WHERE status = 'deferred' AND send_after IS NOT NULL
        ORDER BY send_after LIMIT 1) AS next_due
FROM configuration
