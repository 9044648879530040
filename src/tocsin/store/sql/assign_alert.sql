-- It is somebody's own now, or nobody's any more.
UPDATE alerts SET assigned_to = (%(user_id)s::uuid[])[1], updated_at = %(now)s WHERE id = %(id)s
