-- Where alerts of earlier transactions stand: as sources (with the time at which they ended) and as targets.
SELECT true AS is_source, alert_id, key, inhibition_rule_id, targets, ended_at
FROM inhibition_sources WHERE alert_id = ANY (%(ids)s)
UNION ALL
SELECT false, alert_id, key, NULL, NULL, NULL
FROM inhibition_targets WHERE alert_id = ANY (%(ids)s)
