-- How long a heartbeat may wait for its first ping; null: for ever.
ALTER TABLE heartbeats ADD COLUMN expect_first_within_seconds integer;
ALTER TABLE heartbeats ADD CONSTRAINT ck_heartbeats_first_ping CHECK (
    expect_first_within_seconds IS NULL OR cardinality(bound_labels) = 0);

-- Since when it waits for it.
ALTER TABLE heartbeat_statuses ADD COLUMN waiting_since timestamptz;
UPDATE heartbeat_statuses SET waiting_since = coalesce(
    (SELECT max(at) FROM heartbeat_changes change
     WHERE change.heartbeat_id = heartbeat.id AND change.reason = 'resumed'),
    heartbeat.created_at)
FROM heartbeats heartbeat
WHERE heartbeat.id = heartbeat_statuses.heartbeat_id
  AND heartbeat_statuses.state IN ('new', 'down') AND heartbeat_statuses.last_ping_at IS NULL;
