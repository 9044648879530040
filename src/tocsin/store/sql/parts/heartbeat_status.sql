status.heartbeat_id, status.state, status.last_ping_at, status.started_at, status.run_id,
status.due_at, status.due_reason, status.look_at, status.paused_until, status.down_since,
status.successes, status.ended_run_id, status.ended_with, status.waiting_since,
status.ping_count, status.last_duration_ms
