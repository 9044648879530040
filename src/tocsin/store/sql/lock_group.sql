-- One group, for whoever looks at it. Nothing joins it until the transaction ends (`join_groups.sql`), and
-- rows are only ever taken with SKIP LOCKED while it is locked, so nobody waits in a circle.
SELECT id, kind, thread_id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, labels,
       opened_at, last_sent_at, told::text, over_at, budget, gathered
FROM alert_groups WHERE id = %(id)s
FOR UPDATE
