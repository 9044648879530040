-- What happened to alerts, for their timelines; `webhook_delivery_id` is null where no webhook made it.
INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id, detail)
SELECT id, alert_id, kind, at, actor::jsonb, webhook_delivery_id, detail::jsonb
FROM unnest(
    %(id)s, %(alert_id)s, %(kind)s, %(at)s, %(actor)s, %(webhook_delivery_id)s, %(detail)s
) AS given (id, alert_id, kind, at, actor, webhook_delivery_id, detail)
