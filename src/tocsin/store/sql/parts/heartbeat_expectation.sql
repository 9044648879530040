heartbeat.kind, heartbeat.period_seconds, heartbeat.expressions, heartbeat.timezone,
heartbeat.grace_seconds, heartbeat.max_run_seconds, heartbeat.recovery_pings,
heartbeat.manual_resume, heartbeat.expect_first_within_seconds
