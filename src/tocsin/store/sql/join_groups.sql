-- What a transaction gathers joins its groups, and somebody is to look at them. Groups are locked in the
-- order of their ids, last of all locks, and until the transaction ends: whoever looks at one meanwhile
-- (`lock_group.sql`) waits, and sees all that has joined. `member_known` is 1 for alerts of which only what
-- follows their trigger joins: another message has said that, also where the trigger was here for a while.
--
-- A look reads all that is in a group, while nothing joins it: not each of ten thousand that join may cause
-- one. What only waits for the message that is to go anyway (`next_at`) causes none, by what
-- `routing/group.py` decides: before the first message, all but a CRITICAL; later, what is no worse than all
-- that was shown as open, while any of that is. `may_wait` has the worst that joins each group, of those that
-- can wait at all. The group is locked all the same. Of a new group its first look is known beforehand:
-- `look_at` and `next_at`.
WITH joining AS (
    SELECT DISTINCT ON (id) *
    FROM unnest(
        %(ids)s, %(threads)s, %(workspace_ids)s, %(tenant_ids)s, %(rule_ids)s, %(destination_ids)s,
        %(labels)s, %(kinds)s, %(look_at)s, %(next_at)s
    ) AS given (
        id, thread_id, workspace_id, tenant_id, rule_id, destination_id, labels, kind, look_at, next_at)
    WHERE :PART(unless_void)
    ORDER BY id
), changed AS (
    INSERT INTO alert_groups AS known (
        id, kind, thread_id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, labels,
        look_at, next_at, opened_at)
    SELECT id, kind, thread_id, workspace_id, tenant_id, rule_id, destination_id, labels::jsonb,
           look_at, next_at, %(now)s
    FROM joining
    ON CONFLICT (id) DO UPDATE SET look_at = least(known.look_at, %(now)s)
    WHERE (
        known.next_at > %(now)s
        AND CASE WHEN known.last_sent_at IS NULL
            THEN ((SELECT %(may_wait)s::jsonb) ->> known.id::text)::alert_severity > 'CRITICAL'
            ELSE ((SELECT %(may_wait)s::jsonb) ->> known.id::text)::alert_severity >= known.told
                 AND EXISTS (
                     SELECT FROM alert_group_members AS member
                     CROSS JOIN LATERAL (
                         SELECT status FROM alerts WHERE id = member.alert_id OFFSET 0
                     ) AS alert
                     WHERE member.group_id = known.id AND member.told_at IS NOT NULL
                       AND alert.status::text IN ('OPEN', 'ACKNOWLEDGED'))
            END
    ) IS NOT TRUE
    RETURNING known.look_at
), joined AS (
    INSERT INTO alert_group_members AS known (group_id, alert_id, joined_at, told_at)
    SELECT group_id, alert_id, %(now)s,
           min(CASE known WHEN 1 THEN %(now)s - interval '1 microsecond' END)
    FROM unnest(%(member_groups)s, %(member_alerts)s, %(member_known)s)
         AS member (group_id, alert_id, known)
    WHERE :PART(unless_void)
      AND (SELECT count(*) FROM changed) >= 0 -- so that the groups are locked before their members
    GROUP BY group_id, alert_id
    ON CONFLICT (group_id, alert_id) DO UPDATE SET told_at = excluded.told_at
    WHERE known.told_at IS NULL AND excluded.told_at IS NOT NULL
)
-- Wakes whoever looks at groups when the transaction commits.
SELECT pg_notify('tocsin_groups', '')
WHERE EXISTS (SELECT FROM changed WHERE look_at <= %(now)s)
