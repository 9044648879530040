-- What a transaction gathers joins its groups, and somebody is to look at them. Groups are locked in the
-- order of their ids, last of all locks, and until the transaction ends: whoever looks at one meanwhile
-- (`lock_group.sql`) waits, and sees all that has joined. `member_known` is 1 for alerts of which only what
-- follows their trigger joins: another message has said that, also where the trigger was here for a while.
WITH joining AS (
    SELECT DISTINCT ON (id) *
    FROM unnest(
        %(ids)s, %(threads)s, %(workspace_ids)s, %(tenant_ids)s, %(rule_ids)s, %(destination_ids)s,
        %(labels)s, %(kinds)s
    ) AS given (id, thread_id, workspace_id, tenant_id, rule_id, destination_id, labels, kind)
    WHERE :PART(unless_void)
    ORDER BY id
), joined AS (
    INSERT INTO alert_groups AS known (
        id, kind, thread_id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, labels,
        look_at, opened_at)
    SELECT id, kind, thread_id, workspace_id, tenant_id, rule_id, destination_id, labels::jsonb,
           %(now)s, %(now)s
    FROM joining
    ON CONFLICT (id) DO UPDATE SET look_at = least(known.look_at, excluded.look_at)
    RETURNING known.id
)
INSERT INTO alert_group_members AS known (group_id, alert_id, joined_at, told_at)
SELECT group_id, alert_id, %(now)s, min(CASE known WHEN 1 THEN %(now)s - interval '1 microsecond' END)
FROM unnest(%(member_groups)s, %(member_alerts)s, %(member_known)s) AS member (group_id, alert_id, known)
WHERE (SELECT count(*) FROM joined) > 0 -- so that the groups are locked before their members
GROUP BY group_id, alert_id
ON CONFLICT (group_id, alert_id) DO UPDATE SET told_at = excluded.told_at
WHERE known.told_at IS NULL AND excluded.told_at IS NOT NULL
