-- Each ping takes the place of the oldest that is kept of its heartbeat.
INSERT INTO heartbeat_pings (
    heartbeat_id, place, number, at, kind, outcome, exit_code, run_id, duration_ms, method, body)
SELECT * FROM unnest(
    %(heartbeat_id)s, %(place)s, %(number)s, %(at)s, %(kind)s, %(outcome)s, %(exit_code)s, %(run_id)s,
    %(duration_ms)s, %(method)s, %(body)s)
ON CONFLICT (heartbeat_id, place) DO UPDATE SET
    number = excluded.number,
    at = excluded.at,
    kind = excluded.kind,
    outcome = excluded.outcome,
    exit_code = excluded.exit_code,
    run_id = excluded.run_id,
    duration_ms = excluded.duration_ms,
    method = excluded.method,
    body = excluded.body
