-- Live alerts whose copy is missing, or was made of one that had ended: opened again, or committed late.
INSERT INTO alert_search (alert_id, workspace_id, is_live, words_digest, words)
SELECT alerts.id, workspace_id, true, words_digest, :PART(words)
FROM alerts
WHERE status IN ('OPEN', 'ACKNOWLEDGED')
    AND id <= (SELECT copied_through FROM alert_search_state)
    AND NOT EXISTS (SELECT FROM alert_search s WHERE s.alert_id = alerts.id AND s.is_live)
LIMIT %(most)s
ON CONFLICT (alert_id) DO UPDATE
SET is_live = true, words_digest = EXCLUDED.words_digest, words = EXCLUDED.words
