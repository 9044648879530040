-- What became of each webhook of the batch. After `insert_alerts`: these rows refer to alerts.
INSERT INTO webhook_deliveries (
    id, integration_id, idempotency_key, content_fingerprint, raw_payload, headers, status_code,
    outcome, error_message, flags, processed_at, alert_id, duplicate_of_id, replay_of_id, created_at)
SELECT id, integration_id, idempotency_key, content_fingerprint, raw_payload::json,
       headers::jsonb, status_code, outcome, error_message, flags::text[], processed_at, alert_id,
       duplicate_of_id, replay_of_id, created_at
FROM (
    SELECT unnest(%(id)s) AS id, unnest(%(integration_id)s) AS integration_id,
           unnest(%(idempotency_key)s) AS idempotency_key,
           unnest(%(content_fingerprint)s) AS content_fingerprint,
           unnest(%(raw_payload)s) AS raw_payload, unnest(%(headers)s) AS headers,
           unnest(%(status_code)s) AS status_code, unnest(%(outcome)s) AS outcome,
           unnest(%(error_message)s) AS error_message, unnest(%(flags)s) AS flags,
           unnest(%(processed_at)s) AS processed_at, unnest(%(alert_id)s) AS alert_id,
           unnest(%(duplicate_of_id)s) AS duplicate_of_id,
           unnest(%(replay_of_id)s) AS replay_of_id, unnest(%(created_at)s) AS created_at
) AS given
WHERE :PART(unless_void)
