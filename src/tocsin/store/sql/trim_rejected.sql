-- Attempts that failed verification are kept up to a number per integration, the newest ones: a
-- stranger who knows a URL must not fill the disk.
DELETE FROM webhook_deliveries
WHERE id IN (
    SELECT old.id
    FROM unnest(%(integration_ids)s) AS given (integration_id)
    CROSS JOIN LATERAL (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.integration_id = given.integration_id AND d.outcome = 'rejected'
        ORDER BY d.id DESC OFFSET %(keep)s
    ) old)
    AND :PART(unless_void)
