-- Who did what to which object, in the transaction that did it.
INSERT INTO audit_events (id, workspace_id, at, actor, action, object_type, object_id, before, after)
VALUES (%(id)s, %(workspace_id)s, %(now)s, %(actor)s::jsonb, %(action)s, %(object_type)s,
        %(object_id)s, %(before)s::jsonb, %(after)s::jsonb)
