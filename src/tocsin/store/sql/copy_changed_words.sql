-- Copies of live alerts that say something else by now, or that have ended.
WITH changed AS (
    SELECT s.alert_id FROM alert_search s JOIN alerts a ON a.id = s.alert_id
    WHERE s.is_live
        AND (a.status IN ('RESOLVED', 'CLOSED') OR a.words_digest IS DISTINCT FROM s.words_digest)
    LIMIT %(most)s
)
UPDATE alert_search SET
    is_live = alerts.status IN ('OPEN', 'ACKNOWLEDGED'),
    words_digest = alerts.words_digest,
    words = :PART(words)
FROM changed JOIN alerts ON alerts.id = changed.alert_id
WHERE alert_search.alert_id = changed.alert_id
