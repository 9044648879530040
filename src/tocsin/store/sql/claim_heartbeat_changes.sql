-- Takes on waiting changes; those that somebody else has seen to meanwhile are not among them.
UPDATE heartbeat_changes SET processed_at = %(now)s
WHERE id = ANY (%(ids)s) AND processed_at IS NULL
RETURNING id
