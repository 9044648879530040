-- A storm begins, or the pages of a person are too many, unless they are gathered already. `budget` is what
-- the destination takes in five minutes.
INSERT INTO alert_groups (
    id, kind, thread_id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, look_at,
    opened_at, budget)
VALUES (%(id)s, %(kind)s, %(thread_id)s, %(workspace_id)s, %(tenant_id)s, %(rule_id)s,
        %(destination_id)s, now(), now(), %(budget)s)
ON CONFLICT (id) DO NOTHING
