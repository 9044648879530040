-- What is pending for these alerts and was never attempted: their newest trigger, and all that waits behind
-- it. Called by whoever resolves or closes an alert, in that transaction, before the resolve is planned;
-- for each pair returned, the resolve's own row is to be written as canceled, too. `status` is what the trigger
-- had: one that was held had started no cooldown. One that waited in a group had, and counts as queued. One that
-- is held because its alert flaps is canceled, and not returned: messages of their own have said how it stands,
-- so that the end goes by those.
--
-- Against a claim at the same moment, either side may come first, and each sees what the other did:
-- - The claim has the row: it is locked and skipped here, or leased already. The trigger counts as
--   attempted; the resolve follows it.
-- - We have the row: the claim skips what is locked, and after our commit finds it canceled.
-- Nothing is waited for, so that a batch of webhooks never stands behind a dispatcher, and no deadlock
-- is possible. In doubt (locked by somebody else) the messages go out.
--
-- Only the trigger is locked: what is behind it in its lane cannot be claimed while it is pending, and
-- every other writer of new rows of this alert holds the alert's lock, as our caller does.
--
-- The status is compared as text so that the rows are found by their alert: the indexes of what is
-- pending would do as well, and a plan made while little was pending would read all that ever is.
WITH unsent AS (
    SELECT trigger.*
    FROM unnest(%(alerts)s::uuid[]) AS ending (alert_id)
    CROSS JOIN LATERAL (
        SELECT id, alert_id, alert_destination_id, sequence, status::text AS status, reason,
               status::text = 'deferred' AND detail -> 'holds' @> '[{"reason": "flapping"}]' AS flaps
        FROM alert_deliveries
        WHERE alert_id = ending.alert_id
          AND event_type = 'alerts.triggered'
          AND status::text IN ('queued', 'deferred')
          AND attempt_count = 0
          AND leased_by IS NULL
          AND carried_by IS NULL
        FOR UPDATE SKIP LOCKED
    ) AS trigger
), canceled AS (
    UPDATE alert_deliveries AS delivery
    SET status = 'canceled',
        reason = 'resolved_before_sent',
        group_id = NULL,
        detail = delivery.detail || jsonb_build_object('planned_reason', CASE delivery.reason
            WHEN 'bundled' THEN 'escalation' ELSE delivery.reason END),
        updated_at = now()
    FROM unsent
    WHERE delivery.alert_id = unsent.alert_id
      AND delivery.alert_destination_id = unsent.alert_destination_id
      AND delivery.sequence >= unsent.sequence
      AND delivery.status::text IN ('queued', 'deferred')
      AND delivery.event_type NOT IN ('alerts.flapping', 'alerts.settled')
      AND delivery.carried_by IS NULL
)
SELECT alert_id, alert_destination_id, id, sequence,
       CASE WHEN reason IN ('grouped', 'rate_limited', 'bundled') THEN 'queued' ELSE status END AS status
FROM unsent
WHERE flaps IS NOT TRUE
  AND NOT EXISTS (
      SELECT FROM (
          SELECT alert_destination_id, event_type, status::text AS status FROM alert_deliveries
          WHERE alert_id = unsent.alert_id OFFSET 0) AS note
      WHERE note.alert_destination_id = unsent.alert_destination_id
        AND note.event_type IN ('alerts.flapping', 'alerts.settled')
        AND note.status IN ('queued', 'deferred', 'sent'))
