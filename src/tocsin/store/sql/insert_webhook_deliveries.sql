-- What became of each webhook of the batch. After `insert_alerts`: these rows refer to alerts.
INSERT INTO webhook_deliveries (
    id, integration_id, idempotency_key, content_fingerprint, raw_payload, headers, status_code,
    outcome, error_message, flags, processed_at, alert_id, duplicate_of_id, replay_of_id, created_at)
SELECT id, integration_id, idempotency_key, content_fingerprint, raw_payload::json,
       headers::jsonb, status_code, outcome, error_message, flags::text[], processed_at, alert_id,
       duplicate_of_id, replay_of_id, created_at
FROM unnest(
    %(id)s, %(integration_id)s, %(idempotency_key)s, %(content_fingerprint)s, %(raw_payload)s,
    %(headers)s, %(status_code)s, %(outcome)s, %(error_message)s, %(flags)s, %(processed_at)s,
    %(alert_id)s, %(duplicate_of_id)s, %(replay_of_id)s, %(created_at)s
) AS given (
    id, integration_id, idempotency_key, content_fingerprint, raw_payload, headers, status_code,
    outcome, error_message, flags, processed_at, alert_id, duplicate_of_id, replay_of_id, created_at)
