-- When there is something to look at next, and whether any change waits.
SELECT (SELECT look_at FROM heartbeat_statuses WHERE look_at IS NOT NULL
        ORDER BY look_at LIMIT 1) AS next_look,
       EXISTS (SELECT FROM heartbeat_changes WHERE processed_at IS NULL) AS has_waiting
