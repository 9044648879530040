-- What is needed to send to these destinations. Makes sure that each has its row of state, which the
-- statements that record outcomes only ever update.
WITH state AS (
    INSERT INTO destination_states (alert_destination_id)
    SELECT id FROM alert_destinations WHERE id = ANY (%(ids)s::uuid[])
    ON CONFLICT DO NOTHING
)
SELECT destination.id, destination.name, destination.type,
       destination.is_enabled AND coalesce(person.is_active, true) AS is_enabled,
       destination.config,
       destination.secret_config, workspace.id AS workspace_id, workspace.slug,
       workspace.name AS workspace_name, person.name AS person
FROM alert_destinations AS destination
JOIN workspaces AS workspace ON workspace.id = destination.workspace_id
LEFT JOIN users AS person ON person.id = destination.user_id
WHERE destination.id = ANY (%(ids)s::uuid[]) AND destination.deleted_at IS NULL
