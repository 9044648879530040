-- What a person did to an alert. Reopening runs into the unique index on live alerts where the problem
-- has a newer one.
UPDATE alerts SET
    status = %(status)s::alert_status,
    acknowledged_at = %(acknowledged_at)s,
    resolved_at = %(resolved_at)s,
    closed_at = %(closed_at)s,
    updated_at = %(now)s
WHERE id = %(id)s
