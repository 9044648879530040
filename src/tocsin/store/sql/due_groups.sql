-- Groups that are to be looked at, the longest waiting first.
SELECT id FROM alert_groups
WHERE look_at <= %(now)s AND id <> ALL (%(except_ids)s)
ORDER BY look_at LIMIT %(most)s
