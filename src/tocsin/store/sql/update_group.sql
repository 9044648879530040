-- What is remembered of a group after a look.
UPDATE alert_groups
SET thread_id = %(thread_id)s, look_at = %(look_at)s, next_at = %(next_at)s,
    opened_at = %(opened_at)s, last_sent_at = %(last_sent_at)s,
    told = %(told)s::alert_severity, over_at = %(over_at)s, gathered = %(gathered)s::int
WHERE id = %(id)s
