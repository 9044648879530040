-- Somebody watches at this moment; the answer is until when somebody did before.
WITH before AS (SELECT watched_until FROM heartbeat_watch)
INSERT INTO heartbeat_watch AS watch (id, watched_until) VALUES (true, %(now)s)
ON CONFLICT (id) DO UPDATE SET watched_until = excluded.watched_until
RETURNING (SELECT watched_until FROM before) AS watched_until
