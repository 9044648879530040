-- Live alerts whose copy is missing, or was made of one that had ended: opened again, or committed late.
-- They are found by their indexes: nearly none is missing, and the planner would read all alerts there are to
-- find the first few. (The second condition is always true, and gives the one of the index that has the ids.)
WITH live AS MATERIALIZED (
    SELECT id FROM alerts
    WHERE status IN ('OPEN', 'ACKNOWLEDGED') AND workspace_id >= '00000000-0000-0000-0000-000000000000'
), missed AS MATERIALIZED (
    SELECT id FROM live
    WHERE id <= (SELECT copied_through FROM alert_search_state)
        AND NOT EXISTS (SELECT FROM alert_search s WHERE s.alert_id = live.id AND s.is_live)
    LIMIT %(most)s
)
INSERT INTO alert_search (alert_id, workspace_id, is_live, words_digest, words)
SELECT alerts.id, workspace_id, true, words_digest, :PART(words)
FROM missed JOIN alerts ON alerts.id = missed.id
WHERE status IN ('OPEN', 'ACKNOWLEDGED')
ON CONFLICT (alert_id) DO UPDATE
SET is_live = true, words_digest = EXCLUDED.words_digest, words = EXCLUDED.words
