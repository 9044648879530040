-- Whether a batch was committed, after its connection was lost at the very end.
SELECT count(*) AS stored FROM webhook_deliveries WHERE id = ANY (%(ids)s)
