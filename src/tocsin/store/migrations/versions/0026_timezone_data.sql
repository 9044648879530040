-- By which rules of time zones the times of cron and calendar heartbeats were worked out. Null: nobody
-- knows, and nothing is to be worked out again for it.
ALTER TABLE heartbeat_watch ADD COLUMN timezone_data text;
