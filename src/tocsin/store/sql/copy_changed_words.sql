-- Of the live copies after `after` the next `most`: those of alerts that say something else by now, or that
-- have ended, are made again. Some at a time: to read all alerts that are live takes a second where they are
-- many, and the place in memory of what pages read. The last one looked at; none if it was the end.
WITH looked AS MATERIALIZED (
    SELECT alert_id, words_digest FROM alert_search
    WHERE is_live AND alert_id > %(after)s
    ORDER BY alert_id
    LIMIT %(most)s
), changed AS (
    SELECT looked.alert_id FROM looked JOIN alerts ON alerts.id = looked.alert_id
    WHERE alerts.status IN ('RESOLVED', 'CLOSED')
        OR alerts.words_digest IS DISTINCT FROM looked.words_digest
), renewed AS (
    UPDATE alert_search SET
        is_live = alerts.status IN ('OPEN', 'ACKNOWLEDGED'),
        words_digest = alerts.words_digest,
        words = :PART(words)
    FROM changed JOIN alerts ON alerts.id = changed.alert_id
    WHERE alert_search.alert_id = changed.alert_id
)
SELECT alert_id FROM looked ORDER BY alert_id OFFSET %(most)s - 1
