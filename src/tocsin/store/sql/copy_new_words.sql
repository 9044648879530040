-- The oldest alerts that have no copy yet, up to an id that no commit under way can be below.
WITH fresh AS (
    SELECT id FROM alerts
    WHERE id > coalesce(
            (SELECT copied_through FROM alert_search_state), '00000000-0000-0000-0000-000000000000'
        ) AND id < %(before)s
    ORDER BY id
    LIMIT %(most)s
), copied AS (
    INSERT INTO alert_search (alert_id, workspace_id, is_live, words_digest, words)
    SELECT alerts.id, workspace_id, status IN ('OPEN', 'ACKNOWLEDGED'), words_digest, :PART(words)
    FROM alerts JOIN fresh ON fresh.id = alerts.id
    ON CONFLICT (alert_id) DO NOTHING
)
UPDATE alert_search_state
SET copied_through = (SELECT id FROM fresh ORDER BY id DESC LIMIT 1)
WHERE EXISTS (SELECT FROM fresh)
RETURNING (SELECT count(*) FROM fresh)
