-- By what each alert is held, of the sources of one of its keys: those that are live, then those that ended
-- last, within the grace of the rule. An alert never holds itself, and where two would hold each other
-- neither does: `own` are the keys that the alert is a source of.
SELECT asked.place - 1 AS place, source.alert_id, source.title, source.since, source.ended_at
FROM unnest(%(alert_ids)s, %(keys)s, %(owns)s, %(since)s)
    WITH ORDINALITY AS asked (alert_id, key, own, since, place)
CROSS JOIN LATERAL (
    SELECT alert_id, title, since, ended_at
    FROM inhibition_sources
    WHERE key = asked.key AND alert_id <> asked.alert_id AND NOT targets && asked.own::uuid[]
      AND (ended_at IS NULL OR ended_at > asked.since)
    ORDER BY ended_at DESC NULLS FIRST LIMIT 3
    OFFSET 0
) AS source
ORDER BY asked.place
