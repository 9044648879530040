-- What the clock goes by. The end of the first hold is at the front of its index, and so is the first timer.
SELECT version AS configuration_version,
       least((SELECT send_after FROM alert_deliveries
              WHERE status = 'deferred' AND send_after > '-infinity'
              ORDER BY send_after LIMIT 1),
             (SELECT next_at FROM escalations
              WHERE state IN ('running', 'held') AND next_at IS NOT NULL
              ORDER BY next_at LIMIT 1),
             (SELECT due_at FROM alert_timers ORDER BY due_at LIMIT 1),
             (SELECT look_at FROM inhibition_sources WHERE look_at IS NOT NULL
              ORDER BY look_at LIMIT 1)) AS next_due
FROM configuration
