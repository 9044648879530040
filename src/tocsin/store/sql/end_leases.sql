-- Of senders that say that an alert is over.
DELETE FROM alert_leases AS lease
USING unnest(%(alert_id)s, %(sender)s) AS ended (alert_id, sender)
WHERE lease.alert_id = ended.alert_id AND lease.sender = ended.sender
