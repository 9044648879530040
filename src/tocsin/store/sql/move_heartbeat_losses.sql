-- Takes note of heartbeats that a loss has gained, or that came back, and says what is missing now: how many
-- there are, and of the first of them, by name, what their alert would say.
WITH moved AS (
    UPDATE heartbeat_losses loss SET
        lost = loss.lost + given.lost,
        returned = loss.returned + given.returned,
        moved_at = CASE WHEN given.returned > 0 THEN %(now)s ELSE loss.moved_at END
    FROM unnest(%(ids)s, %(lost)s, %(returned)s) AS given (id, lost, returned)
    WHERE loss.id = given.id
    RETURNING loss.id, loss.integration_id, loss.tenant_id, loss.began_at, loss.lost,
              loss.lost = given.lost AS is_new
)
SELECT moved.*, missing.*
FROM moved
CROSS JOIN LATERAL (
    SELECT count(*) AS missing,
           coalesce((array_agg(name ORDER BY name))[1:%(most)s], '{}') AS names,
           coalesce((array_agg(DISTINCT severity)), '{}')::text[] AS severities,
           coalesce((array_agg(labels::text))[1:1000], '{}') AS labels
    FROM heartbeat_statuses status
    JOIN heartbeats heartbeat ON heartbeat.id = status.heartbeat_id
    WHERE status.loss_id = moved.id
) AS missing
