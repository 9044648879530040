-- Escalations that are overdue, oldest first: whoever keeps the clock does not get to them.
SELECT count(*) AS count, min(next_at) AS since FROM escalations
WHERE state IN ('running', 'held') AND next_at < %(before)s
