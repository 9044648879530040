-- Which webhook each of these messages is about: the last one that its alert got until it was made; of a
-- message about several alerts, the last one of the first alert that it lists.
--
-- Ids rise with time: the bound is the last id of the millisecond in which the message was made, so that
-- the index is read from there, however often the alert was repeated since.
SELECT asked.id, cause.webhook_delivery_id, webhook.headers ->> 'traceparent' AS traceparent,
       webhook.headers ->> 'tracestate' AS tracestate
FROM unnest(%(ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT coalesce(
        alert_id,
        (SELECT listed.alert_id FROM alert_delivery_alerts AS listed
         WHERE listed.alert_delivery_id = asked.id ORDER BY listed.place LIMIT 1)) AS alert_id
    FROM alert_deliveries WHERE id = asked.id OFFSET 0
) AS message
CROSS JOIN LATERAL (
    SELECT webhook_delivery_id FROM alert_events AS event
    WHERE event.alert_id = message.alert_id AND event.webhook_delivery_id IS NOT NULL
      AND event.id <= (left(asked.id::text, 13) || '-7fff-bfff-ffffffffffff')::uuid
    ORDER BY event.id DESC
    LIMIT 1
) AS cause
CROSS JOIN LATERAL (
    SELECT headers FROM webhook_deliveries WHERE id = cause.webhook_delivery_id OFFSET 0
) AS webhook
