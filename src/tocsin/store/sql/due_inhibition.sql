-- Keys of inhibition whose targets are to be looked at: a source has come, or has ended some time ago.
SELECT DISTINCT key
FROM (
    SELECT key FROM inhibition_sources
    WHERE look_at <= %(now)s ORDER BY look_at LIMIT %(most)s
) AS due
