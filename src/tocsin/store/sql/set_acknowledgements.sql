-- Who has taken alerts on, and until when. `by` is a user, or what stands for one: a contact method, or an
-- API key that is somebody's.
UPDATE alerts
SET acknowledged_until = given.until,
    acknowledged_by = coalesce(
        (SELECT id FROM users WHERE id = given.by),
        (SELECT user_id FROM alert_destinations WHERE id = given.by),
        (SELECT user_id FROM api_keys WHERE id = given.by))
FROM (
    SELECT * FROM unnest(%(ids)s, %(by)s, %(until)s) LIMIT cardinality(%(ids)s)
) AS given (id, by, until)
WHERE alerts.id = given.id
