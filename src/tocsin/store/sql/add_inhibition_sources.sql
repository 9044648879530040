-- Alerts that are sources from now on, or are so again. The targets of one that comes are to be looked at,
-- unless another source holds all of them already. (One that is itself a target of something may hold fewer.)
INSERT INTO inhibition_sources AS source (key, alert_id, inhibition_rule_id, targets, title, since, look_at)
SELECT given.key, given.alert_id, given.rule_id, given.targets::uuid[], given.title, %(now)s,
       CASE WHEN EXISTS (
           SELECT FROM inhibition_sources AS other
           WHERE other.key = given.key AND other.ended_at IS NULL AND other.targets = '{}'
             AND other.alert_id <> given.alert_id
       ) THEN NULL ELSE %(now)s END
FROM unnest(%(keys)s, %(alert_ids)s, %(rule_ids)s, %(targets)s, %(titles)s)
    AS given (key, alert_id, rule_id, targets, title)
ON CONFLICT (key, alert_id) DO UPDATE
SET targets = EXCLUDED.targets, title = EXCLUDED.title,
    since = CASE WHEN source.ended_at IS NULL THEN source.since ELSE EXCLUDED.since END,
    ended_at = NULL, look_at = EXCLUDED.look_at
