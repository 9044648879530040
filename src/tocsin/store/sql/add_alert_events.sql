-- What happened to alerts, for their timelines; `webhook_delivery_id` is null where no webhook made it.
--
-- Columns are unpacked in the select list, which steps through all arrays at once. In FROM each would fill a
-- table of its own first: a quarter more for a batch of one, a tenth for one of 32.
INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id, detail)
SELECT id, alert_id, kind, at, actor::jsonb, webhook_delivery_id, detail::jsonb
FROM (
    SELECT unnest(%(id)s) AS id, unnest(%(alert_id)s) AS alert_id, unnest(%(kind)s) AS kind,
           unnest(%(at)s) AS at, unnest(%(actor)s) AS actor,
           unnest(%(webhook_delivery_id)s) AS webhook_delivery_id, unnest(%(detail)s) AS detail
) AS given
WHERE :PART(unless_void)
