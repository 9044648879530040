SELECT id FROM heartbeats WHERE token_digest = ANY (%(digests)s)
UNION ALL
SELECT found.id FROM unnest(%(workspace_ids)s, %(slugs)s) AS asked (workspace_id, slug)
CROSS JOIN LATERAL (
    SELECT id FROM heartbeats
    WHERE workspace_id = asked.workspace_id AND slug = asked.slug AND deleted_at IS NULL
    OFFSET 0
) AS found
UNION ALL
SELECT id FROM unnest(%(ids)s) AS id
