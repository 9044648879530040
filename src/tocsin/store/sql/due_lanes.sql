-- Which destinations have something to do, and how each stands: one row per destination that has any
-- pending delivery, however many it has.
--
-- The cost is a few index probes per such destination and level of urgency and depends on nothing else: not on the size of
-- the table (the indexes hold pending rows only), not on the length of any queue (a loose index scan
-- jumps from one destination to the next; PostgreSQL has no skip scan for this before 18, thus the
-- recursion). A dead destination with a hundred thousand rows costs as much as a healthy one with one.
--
-- Each ORDER BY is that of the one index meant, and OFFSET 0 makes a look-up of what could be a join;
-- with sorting switched off on this connection no other plan is left, whatever the statistics say.
--
-- What was sent long ago leaves dead entries at the front of an index until a vacuum comes by. `floors`
-- (sequence by destination) lets the search for fresh deliveries begin behind them. A look without
-- floors, now and then, is what they are taken from, and finds whatever lies below.
--
-- `is_enabled` is null for a destination that was deleted, and false for the contact methods of a person
-- who is disabled. `next_in` is the seconds to the first
-- delivery that is not due yet, so that a timer can wake for it.
WITH RECURSIVE pending (id) AS (
    (SELECT alert_destination_id FROM alert_deliveries
     WHERE status IN ('queued', 'deferred')
     ORDER BY alert_destination_id, coalesce(alert_id, group_id), sequence LIMIT 1)
    UNION ALL
    SELECT (SELECT alert_destination_id FROM alert_deliveries
            WHERE status IN ('queued', 'deferred') AND alert_destination_id > pending.id
            ORDER BY alert_destination_id, coalesce(alert_id, group_id), sequence LIMIT 1)
    FROM pending
    WHERE pending.id IS NOT NULL
)
SELECT pending.id,
       destination.is_enabled,
       extract(epoch FROM state.hold_until - now())::float8 AS held_for,
       state.hold_reason,
       (SELECT true FROM alert_deliveries AS d
        WHERE d.alert_destination_id = pending.id
          AND d.event_type = 'alerts.test' AND d.status IN ('queued', 'deferred')
          AND (d.send_after IS NULL OR d.send_after <= now())
          AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
        ORDER BY d.sequence LIMIT 1) IS NOT NULL AS test_is_due,
       (SELECT min(front.sequence) FROM unnest(enum_range(NULL::alert_severity)) AS level (urgency)
        CROSS JOIN LATERAL (
            SELECT d.sequence FROM alert_deliveries AS d
            WHERE d.alert_destination_id = pending.id AND d.urgency = level.urgency
              AND d.status = 'queued' AND d.send_after IS NULL
              AND d.sequence >= coalesce((%(floors)s::jsonb ->> pending.id::text)::bigint, 0)
              AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
            ORDER BY d.sequence LIMIT 1) AS front) AS first_fresh,
       (SELECT true FROM unnest(enum_range(NULL::alert_severity)) AS level (urgency)
        CROSS JOIN LATERAL (
            SELECT FROM alert_deliveries AS d
            WHERE d.alert_destination_id = pending.id AND d.urgency = level.urgency
              AND d.status = 'queued' AND d.send_after <= now()
              AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
            ORDER BY d.send_after, d.sequence LIMIT 1) AS front
        LIMIT 1) IS NOT NULL AS retry_is_due,
       (SELECT extract(epoch FROM min(front.send_after) - now())::float8
        FROM unnest(enum_range(NULL::alert_severity)) AS level (urgency)
        CROSS JOIN LATERAL (
            SELECT d.send_after FROM alert_deliveries AS d
            WHERE d.alert_destination_id = pending.id AND d.urgency = level.urgency
              AND d.status = 'queued' AND d.send_after > now()
            ORDER BY d.send_after, d.sequence LIMIT 1) AS front) AS next_in,
       (SELECT last_value FROM alert_deliveries_sequence_seq) AS last_sequence,
       (SELECT version FROM configuration) AS configuration_version
FROM pending
LEFT JOIN LATERAL (
    SELECT is_enabled AND (user_id IS NULL OR EXISTS (
        SELECT FROM users WHERE users.id = user_id AND users.is_active)) AS is_enabled
    FROM alert_destinations
    WHERE id = pending.id AND deleted_at IS NULL OFFSET 0
) AS destination ON true
LEFT JOIN LATERAL (
    SELECT hold_until, hold_reason FROM destination_states
    WHERE alert_destination_id = pending.id OFFSET 0
) AS state ON true
WHERE pending.id IS NOT NULL
