-- Triggers that arrived after the resolve of the alert they belong to: they count, and move nothing.
UPDATE alerts SET
    occurrence_count = alerts.occurrence_count + given.more,
    last_received_at = greatest(alerts.last_received_at, given.received_at)
FROM unnest(%(ids)s, %(more)s, %(received)s) AS given (id, more, received_at)
WHERE alerts.id = given.id
