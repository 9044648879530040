-- Whether nothing of the same alert (or group) and destination stands in the way of the delivery `d` (see
-- `claim_deliveries.sql`: Order). OFFSET 0 keeps the look a look, not a join.
NOT EXISTS (
    SELECT FROM (
        SELECT other.id, other.sequence, other.lease_expires_at,
               other.progress -> 'waiting' AS waiting
        FROM alert_deliveries AS other
        WHERE other.alert_destination_id = d.alert_destination_id
          AND coalesce(other.alert_id, other.group_id) = coalesce(d.alert_id, d.group_id)
          AND other.status IN ('queued', 'deferred')
        ORDER BY other.sequence OFFSET 0) AS same
    WHERE same.id <> d.id
      AND (same.lease_expires_at > now()
           OR same.sequence < d.sequence
              AND coalesce(same.waiting @> (d.progress -> 'waiting'), same.waiting IS NULL)))
