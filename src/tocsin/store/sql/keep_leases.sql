-- The newest word of each sender on each alert; one that named a later end before meant it.
INSERT INTO alert_leases (alert_id, sender, ends_at, lapses_at)
SELECT unnest(%(alert_id)s), unnest(%(sender)s), unnest(%(ends_at)s), unnest(%(lapses_at)s)
WHERE :PART(unless_void)
ON CONFLICT (alert_id, sender) DO UPDATE SET
    ends_at = greatest(alert_leases.ends_at, excluded.ends_at),
    lapses_at = greatest(alert_leases.lapses_at, excluded.lapses_at)
