-- What became of one alert of a bulk action, and how many have that. Whoever comes second counts nothing.
WITH settled AS (
    UPDATE bulk_action_alerts SET outcome = %(outcome)s, reason = %(reason)s
    WHERE bulk_action_id = %(bulk_action_id)s AND place = %(place)s AND outcome IS NULL
    RETURNING 1
)
UPDATE bulk_actions SET
    changed_count = changed_count + (%(outcome)s = 'changed')::int,
    unchanged_count = unchanged_count + (%(outcome)s = 'unchanged')::int,
    refused_count = refused_count + (%(outcome)s = 'refused')::int
WHERE id = %(bulk_action_id)s AND EXISTS (SELECT FROM settled)
