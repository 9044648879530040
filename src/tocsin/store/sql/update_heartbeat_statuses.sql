-- Last words on heartbeats whose rows the transaction has locked. `look_at` is indexed and stays where
-- it is, if it can: then the new version of the row needs no entry in any index.
UPDATE heartbeat_statuses SET
    state = given.state,
    last_ping_at = given.last_ping_at,
    started_at = given.started_at,
    run_id = given.run_id,
    due_at = given.due_at,
    due_reason = given.due_reason,
    look_at = given.look_at,
    paused_until = given.paused_until,
    down_since = given.down_since,
    successes = given.successes,
    ended_run_id = given.ended_run_id,
    ended_with = given.ended_with,
    waiting_since = given.waiting_since,
    ping_count = given.ping_count,
    last_duration_ms = given.last_duration_ms
FROM (
    SELECT * FROM unnest(
        %(heartbeat_id)s, %(state)s, %(last_ping_at)s, %(started_at)s, %(run_id)s, %(due_at)s,
        %(due_reason)s, %(look_at)s, %(paused_until)s, %(down_since)s, %(successes)s,
        %(ended_run_id)s, %(ended_with)s, %(waiting_since)s, %(ping_count)s, %(last_duration_ms)s
    ) LIMIT cardinality(%(heartbeat_id)s)
) AS given (
    heartbeat_id, state, last_ping_at, started_at, run_id, due_at, due_reason, look_at, paused_until,
    down_since, successes, ended_run_id, ended_with, waiting_since, ping_count, last_duration_ms)
WHERE heartbeat_statuses.heartbeat_id = given.heartbeat_id
