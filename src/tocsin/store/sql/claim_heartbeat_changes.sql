-- Takes on waiting changes; those that somebody else has seen to meanwhile are not among them. Not written
-- as IS NULL, for that is what the index of waiting ones is of: all of it would be read to find these.
UPDATE heartbeat_changes SET processed_at = %(now)s
WHERE id = ANY (%(ids)s) AND coalesce(processed_at, 'infinity') = 'infinity'
RETURNING id
