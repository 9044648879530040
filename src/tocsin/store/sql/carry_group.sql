-- All that waits in a group is said by one message. What another transaction is just changing is left out,
-- and whoever asks may begin again. The status is compared as text so that no index of all that is held is
-- read instead.
WITH waiting AS (
    SELECT id FROM alert_deliveries
    WHERE group_id = %(id)s AND alert_id IS NOT NULL AND carried_by IS NULL AND status::text = 'deferred'
    FOR UPDATE SKIP LOCKED
), carried AS (
    UPDATE alert_deliveries AS delivery
    SET carried_by = %(carrier_id)s, send_after = NULL, updated_at = %(now)s
    FROM waiting
    WHERE delivery.id = waiting.id
    RETURNING delivery.alert_id, delivery.event_type
), told AS (
    UPDATE alert_group_members AS member
    SET told_at = %(now)s
    FROM (SELECT DISTINCT alert_id FROM carried WHERE event_type = 'alerts.triggered') AS triggered
    WHERE member.group_id = %(id)s AND member.alert_id = triggered.alert_id
)
SELECT count(*)::int AS carried,
       count(*) FILTER (WHERE event_type = 'alerts.acknowledged')::int AS acknowledged
FROM carried
