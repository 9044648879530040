-- Who has taken these alerts on, and until when.
SELECT id, acknowledged_by, acknowledged_until FROM alerts WHERE id = ANY (%(ids)s)
