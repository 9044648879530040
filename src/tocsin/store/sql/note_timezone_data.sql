-- By these rules of time zones all heartbeats are scheduled from now on.
UPDATE heartbeat_watch SET timezone_data = %(data)s WHERE timezone_data IS DISTINCT FROM %(data)s
