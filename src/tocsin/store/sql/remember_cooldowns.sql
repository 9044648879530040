-- When a rule notified a destination of an alert key; the later time stays.
INSERT INTO cooldowns (problem, alert_rule_id, alert_destination_id, told_at, expires_at)
SELECT * FROM unnest(
    %(alert_keys)s, %(rule_ids)s, %(destination_ids)s, %(notified)s, %(expires)s)
WHERE :PART(unless_void)
ON CONFLICT (problem, alert_rule_id, alert_destination_id) DO UPDATE
    SET told_at = excluded.told_at, expires_at = excluded.expires_at
    WHERE cooldowns.told_at < excluded.told_at
