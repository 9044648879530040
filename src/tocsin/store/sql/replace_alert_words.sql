-- The newest words of alerts that were repeated. What a signal leaves out stays as it is.
-- The LIMIT is there for the reason that `update_alerts.sql` gives.
UPDATE alerts SET
    title = given.title,
    description = coalesce(given.description, alerts.description),
    labels = CASE given.labels WHEN '{}' THEN alerts.labels ELSE given.labels::jsonb END,
    metadata = CASE given.metadata WHEN '{}' THEN alerts.metadata ELSE given.metadata::jsonb END,
    words_digest = given.words_digest
FROM (
    SELECT * FROM unnest(
        %(id)s, %(title)s, %(description)s, %(labels)s, %(metadata)s, %(words_digest)s
    ) LIMIT cardinality(%(id)s)
) AS given (id, title, description, labels, metadata, words_digest)
WHERE alerts.id = given.id
