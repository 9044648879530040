-- What is still missing of these has alerts of its own from now on, as of the moment at which it went down.
WITH gone AS (
    DELETE FROM heartbeat_losses WHERE id = ANY (%(ids)s) RETURNING id
), freed AS (
    UPDATE heartbeat_statuses SET loss_id = NULL
    WHERE loss_id IN (SELECT id FROM gone)
    RETURNING heartbeat_id, state, down_since
), waiting AS (
    UPDATE heartbeat_changes change SET processed_at = NULL
    FROM freed
    WHERE freed.state = 'down' AND change.heartbeat_id = freed.heartbeat_id
      AND change.after = 'down' AND change.at = freed.down_since
    RETURNING change.id
)
SELECT gone.id, (SELECT count(*) FROM waiting) AS waiting FROM gone
