-- Which of these are in the database already.
SELECT id FROM webhook_deliveries WHERE id = ANY (%(ids)s)
