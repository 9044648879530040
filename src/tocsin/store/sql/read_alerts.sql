-- Alerts whole, for whoever is about to change them; their keys are locked.
SELECT id, workspace_id, integration_id, severity::text, status::text, triggered_at, last_signal_at,
       last_received_at, occurrence_count, acknowledged_at, resolved_at, closed_at, tenant_id, title, description,
       external_id, labels, metadata, words_digest, snoozed_until, snoozed_by, flaps,
       created_at
FROM alerts WHERE id = ANY (%(ids)s)
