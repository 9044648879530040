-- Take due deliveries under a lease: up to `room` of each destination named, in one round trip.
--
-- Any number of dispatchers run this at once. FOR UPDATE SKIP LOCKED lets each pass over the rows that
-- another is just taking; the update is committed with the statement, so that after it the lease keeps
-- them. A lease that ran out (its node is dead, or cut off) is as good as none.
--
-- Order: a delivery is passed over while another of the same alert (of the same group, where it is about
-- several) and destination is pending before it (`sequence`) or under way at all. What this snapshot sees as pending may just have ended, which errs
-- on the safe side; what it sees as ended never becomes pending again but by a person's retry. The look
-- itself is `parts/in_order.sql`.
--
-- A destination may have several receivers (mail). Then the order is each receiver's: what has reached
-- some of them lists in `progress` who is still `waiting`, and does not stand in the way of a later
-- delivery, which is given those names (`behind`) and goes to the others. It does stand in the way of one
-- that waits for none but the same.
--
-- What a hold keeps back (`deferred`) is not claimed, however late it is: a look makes it `queued` first
-- (`alerts/looks.py`). It is pending, so nothing of its alert overtakes it.
--
-- Fairness: each destination is asked for by itself, so none can stand before another. Within one,
-- tests go first (a person waits), then the most urgent; of the same urgency, what is due for another
-- attempt, then what is fresh, oldest first. The levels and the branches of UNION ALL run one after the
-- other and stop at the limit: nothing is locked that is not taken. Each walks one partial index from the
-- front of its level.
--
-- What came since the storm of its tenant was last gathered (`gather_storms.sql`) is for the next digest.
--
-- Where a rate has room for nothing but what is CRITICAL (`critical_only`), nothing else is claimed.
--
-- `floor` is where fresh deliveries begin, behind what is dead (`due_lanes.sql`).
--
-- The plan is forced, for no statistics are true of pending rows, which come and go by the hundred
-- thousand: sorting is switched off on this connection (`delivery_queue.py`), each ORDER BY is that of
-- the one index meant, and OFFSET 0 keeps the look at the same alert a look, not a join.
--
-- The destination must be enabled in this very snapshot: after a change that disables it has committed,
-- nothing of it is claimed.
--
-- The attempt is counted here, before it is made: if the node dies, the next claim finds a lease that
-- ran out and puts the attempt on record as `unknown`. It may have arrived, and counts as not sent.
WITH lane AS (
    SELECT destination_id, room, tests_only, floor, critical_only
    FROM unnest(%(destinations)s::uuid[], %(rooms)s::int[], %(tests_only)s::bool[],
                %(floors)s::bigint[], %(critical_only)s::bool[])
         AS lane (destination_id, room, tests_only, floor, critical_only)
), picked AS MATERIALIZED (
    SELECT candidate.*
    FROM lane
    CROSS JOIN LATERAL (
        SELECT FROM alert_destinations AS destination
        WHERE destination.id = lane.destination_id AND destination.is_enabled
          AND (destination.user_id IS NULL OR EXISTS (
              SELECT FROM users WHERE users.id = destination.user_id AND users.is_active))
        OFFSET 0
    ) AS enabled
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT * FROM (SELECT d.id, d.leased_by, d.attempt_count, d.updated_at
             FROM alert_deliveries AS d
             WHERE NOT lane.critical_only AND d.alert_destination_id = lane.destination_id
               AND d.event_type = 'alerts.test' AND d.status IN ('queued', 'deferred')
               AND (d.send_after IS NULL OR d.send_after <= now())
               AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
             ORDER BY d.sequence
             LIMIT lane.room
             FOR UPDATE SKIP LOCKED) AS test
            UNION ALL
            SELECT ranked.* FROM unnest(enum_range(NULL::alert_severity)) AS level (urgency)
            CROSS JOIN LATERAL (
                SELECT * FROM (SELECT d.id, d.leased_by, d.attempt_count, d.updated_at
                 FROM alert_deliveries AS d
                 WHERE NOT lane.tests_only
                   AND (NOT lane.critical_only OR level.urgency = 'CRITICAL')
                   AND d.alert_destination_id = lane.destination_id AND d.urgency = level.urgency
                   AND d.event_type <> 'alerts.test' AND d.status = 'queued'
                   AND d.send_after <= now()
                   AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
                   AND :PART(in_order)
                 ORDER BY d.send_after, d.sequence
                 LIMIT lane.room
                 FOR UPDATE OF d SKIP LOCKED) AS retried
                UNION ALL
                SELECT * FROM (SELECT d.id, d.leased_by, d.attempt_count, d.updated_at
                 FROM alert_deliveries AS d
                 WHERE NOT lane.tests_only
                   AND (NOT lane.critical_only OR level.urgency = 'CRITICAL')
                   AND d.alert_destination_id = lane.destination_id AND d.urgency = level.urgency
                   AND d.event_type <> 'alerts.test' AND d.status = 'queued'
                   AND d.send_after IS NULL AND d.sequence >= lane.floor
                   AND (d.lease_expires_at IS NULL OR d.lease_expires_at <= now())
                   AND (d.alert_id IS NULL AND d.event_type <> 'alerts.group'
                        OR d.reason IN ('fallback', 'escalation') OR d.attempt_count > 0
                        OR NOT EXISTS (
                            SELECT FROM (
                                SELECT storm.tenant_id FROM alert_groups AS storm
                                WHERE storm.kind = 'storm'
                                  AND storm.alert_destination_id = d.alert_destination_id
                                OFFSET 0) AS storm
                            WHERE storm.tenant_id = d.tenant_id))
                   AND :PART(in_order)
                 ORDER BY d.sequence
                 LIMIT lane.room
                 FOR UPDATE OF d SKIP LOCKED) AS fresh
            ) AS ranked
        ) AS each
        LIMIT lane.room
    ) AS candidate
), interrupted AS (
    INSERT INTO alert_delivery_attempts (
        alert_delivery_id, number, started_at, duration_ms, outcome, error_code, message)
    SELECT id, attempt_count, updated_at, 0, 'unknown', 'interrupted',
           'the dispatcher ended during this attempt; it may have arrived, and counts as not sent'
    FROM picked
    WHERE leased_by IS NOT NULL
    ON CONFLICT DO NOTHING
)
UPDATE alert_deliveries AS d
SET status = 'queued',
    attempt_count = d.attempt_count + 1,
    leased_by = %(node)s,
    lease_expires_at = now() + make_interval(secs => %(lease_seconds)s),
    give_up_at = coalesce(
        d.give_up_at, greatest(d.created_at, d.send_after) + interval '24 hours'),
    updated_at = now()
FROM picked
WHERE d.id = picked.id
RETURNING d.id, d.workspace_id, d.alert_destination_id, d.alert_id, d.event_type, d.attempt_count,
          d.payload, d.progress, d.created_at, d.sequence,
          (SELECT jsonb_agg(receiver)
           FROM (SELECT other.progress -> 'waiting' AS waiting
                 FROM alert_deliveries AS other
                 WHERE other.alert_destination_id = d.alert_destination_id
                   AND coalesce(other.alert_id, other.group_id) = coalesce(d.alert_id, d.group_id)
                   AND other.status IN ('queued', 'deferred')
                   AND other.sequence < d.sequence
                 ORDER BY other.sequence OFFSET 0) AS earlier
           CROSS JOIN LATERAL jsonb_array_elements(earlier.waiting) AS receiver) AS behind,
          extract(epoch FROM d.give_up_at - now())::float8 AS seconds_left,
          extract(epoch FROM now() - greatest(d.created_at, d.send_after))::float8 AS waited,
          now() AS at,
          d.reason = 'escalation' AND d.event_type IN ('alerts.triggered', 'alerts.pages') AS is_page,
          (SELECT version FROM configuration) AS configuration_version
