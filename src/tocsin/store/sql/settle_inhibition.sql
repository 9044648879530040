-- The targets of this key have been looked at: what has ended is forgotten, what has come is known to them.
WITH forgotten AS (
    DELETE FROM inhibition_sources
    WHERE key = %(key)s AND look_at <= %(now)s AND ended_at IS NOT NULL
)
UPDATE inhibition_sources SET look_at = NULL
WHERE key = %(key)s AND look_at <= %(now)s AND ended_at IS NULL
