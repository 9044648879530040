-- What never changes of alerts that are older than this transaction.
SELECT id, tenant_id, title, description, external_id, labels, metadata, created_at
FROM alerts WHERE id = ANY (%(ids)s)
