-- Sending takes longer than usual (many recipients, a slow service): keep what is under way.
-- A lease that ran out and was taken by another node is not returned: it is lost.
UPDATE alert_deliveries
SET lease_expires_at = now() + make_interval(secs => %(lease_seconds)s)
WHERE id = ANY (%(ids)s::uuid[]) AND leased_by = %(node)s
RETURNING id
