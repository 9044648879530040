-- Changes of state; those that wait (`processed_at` null) wake the clock once this commits.
WITH added AS (
    INSERT INTO heartbeat_changes (
        id, heartbeat_id, at, before, after, reason, exit_code, body, processed_at)
    SELECT * FROM unnest(
        %(id)s, %(heartbeat_id)s, %(at)s, %(before)s, %(after)s, %(reason)s, %(exit_code)s, %(body)s,
        %(processed_at)s)
    RETURNING processed_at
)
SELECT pg_notify('tocsin_heartbeats', '') FROM added WHERE processed_at IS NULL LIMIT 1
