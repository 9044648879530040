-- What the newest alerts and messages of some days come to, in one look.
--
-- Everything is counted of the newest %(most)s alerts and as many messages, each read once, from an index on
-- (workspace_id, id): however many there are, this takes as long. Conditions and order name both columns, for the
-- planner would else read the alerts of all workspaces by their ids alone. The ids are UUIDv7, so that a time is
-- a place in that index. Whoever asks is told when that did not reach back to the beginning.
WITH recent AS MATERIALIZED (
    SELECT id, created_at, severity, title, source, integration_id, acknowledged_at IS NOT NULL AS is_taken,
        CASE WHEN acknowledged_at IS NOT NULL
            THEN greatest(extract(epoch FROM acknowledged_at - triggered_at)::float8, 0) END AS taken_after,
        CASE WHEN coalesce(resolved_at, closed_at) IS NOT NULL
            THEN greatest(extract(epoch FROM least(resolved_at, closed_at) - triggered_at)::float8, 0) END AS over_after
    FROM alerts
    WHERE (workspace_id, id) >= (%(workspace_id)s::uuid, %(since)s::uuid)
        AND (workspace_id, id) <= (%(workspace_id)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    ORDER BY workspace_id DESC, id DESC
    LIMIT %(most)s
), messages AS MATERIALIZED (
    SELECT alert_id, alert_rule_id, alert_destination_id, event_type, status, user_id, created_at, sent_at,
        carried_by, NOT coalesce(detail ? 'holds', false) AND carried_by IS NULL AS is_at_once
    FROM alert_deliveries
    WHERE (workspace_id, id) >= (%(workspace_id)s::uuid, %(since)s::uuid)
        AND (workspace_id, id) <= (%(workspace_id)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
        AND event_type <> 'alerts.test'
    ORDER BY workspace_id DESC, id DESC
    LIMIT %(most)s
), notified AS (
    SELECT DISTINCT alert_rule_id, alert_id
    FROM messages
    WHERE event_type = 'alerts.triggered' AND user_id IS NULL AND alert_id IS NOT NULL
        AND (status = 'sent' OR carried_by IS NOT NULL)
)
SELECT
    (SELECT count(*) FROM recent) AS alerts,
    (SELECT min(created_at) FROM recent) AS alerts_since,
    (SELECT count(*) FROM messages) AS messages,
    (SELECT min(created_at) FROM messages) AS messages_since,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT floor(extract(epoch FROM created_at) / 3600)::bigint * 3600 AS at, severity, count(*) AS count
        FROM recent GROUP BY 1, 2
    ) AS each) AS times,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT severity, count(*) AS count, count(taken_after) AS taken, count(over_after) AS over,
            count(*) FILTER (WHERE over_after IS NOT NULL AND NOT is_taken) AS by_itself,
            percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY taken_after) AS taken_after,
            percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY over_after) AS over_after
        FROM recent GROUP BY GROUPING SETS ((severity), ())
    ) AS each) AS severities,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT title, source, count(*) AS count, count(*) FILTER (WHERE over_after <= %(soon)s) AS over_soon,
            count(*) FILTER (WHERE is_taken) AS taken
        FROM recent GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %(shown)s
    ) AS each) AS titles,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT integration_id, source, count(*) AS count,
            count(*) FILTER (WHERE over_after <= %(soon)s) AS over_soon, count(*) FILTER (WHERE is_taken) AS taken
        FROM recent GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT %(shown)s
    ) AS each) AS sources,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT alert_rule_id, count(*) AS notified,
            count(*) FILTER (WHERE over_after <= 60 AND severity <> 'CRITICAL') AS over_1,
            count(*) FILTER (WHERE over_after <= 180 AND severity <> 'CRITICAL') AS over_3,
            count(*) FILTER (WHERE over_after <= 300 AND severity <> 'CRITICAL') AS over_5,
            count(*) FILTER (WHERE over_after <= 600 AND severity <> 'CRITICAL') AS over_10
        FROM notified JOIN recent ON recent.id = notified.alert_id
        GROUP BY 1 ORDER BY 2 DESC LIMIT %(shown)s
    ) AS each) AS rules,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT user_id, floor(extract(epoch FROM created_at) / 900)::bigint * 900 AS at, count(*) AS count
        FROM messages WHERE user_id IS NOT NULL AND status <> 'canceled' GROUP BY 1, 2
    ) AS each) AS pages,
    (SELECT coalesce(jsonb_agg(to_jsonb(each)), '[]') FROM (
        SELECT alert_destination_id, count(*) FILTER (WHERE status = 'sent') AS sent,
            count(*) FILTER (WHERE status = 'failed') AS failed,
            percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
                ORDER BY extract(epoch FROM sent_at - created_at)::float8
            ) FILTER (WHERE status = 'sent' AND is_at_once) AS after
        FROM messages WHERE user_id IS NULL GROUP BY 1 ORDER BY 2 DESC LIMIT %(shown)s
    ) AS each) AS destinations
