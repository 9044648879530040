-- By which rules of time zones heartbeats are scheduled.
SELECT timezone_data FROM heartbeat_watch
