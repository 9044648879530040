-- One entry of an alert's timeline that no webhook made.
INSERT INTO alert_events (id, alert_id, kind, at, actor, detail)
VALUES (%(id)s, %(alert_id)s, %(kind)s, %(now)s, %(actor)s::jsonb, %(detail)s::jsonb)
