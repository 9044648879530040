-- The schedules of these ids as they hold from `since` until just before `until`: the versions of that
-- time, in order, and the overrides that touch it, in the order in which they were made.
SELECT schedule.id, schedule.workspace_id, schedule.name, version.documents AS versions,
       override.documents AS overrides
FROM unnest(%(ids)s::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT id, workspace_id, name FROM schedules WHERE id = asked.id AND deleted_at IS NULL OFFSET 0
) AS schedule
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(to_jsonb(each) ORDER BY each.effective_from), '[]'::jsonb) AS documents
    FROM schedule_versions AS each
    WHERE each.schedule_id = schedule.id AND each.effective_from < %(until)s
      AND (each.effective_until IS NULL OR each.effective_until > %(since)s)
) AS version
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(to_jsonb(each) ORDER BY each.created_at, each.id), '[]'::jsonb) AS documents
    FROM schedule_overrides AS each
    WHERE each.schedule_id = schedule.id AND each.ends_at > %(since)s AND each.starts_at < %(until)s
) AS override
