-- What is known of the heartbeats that are named, by digest of token, by slug in their workspace, or by
-- id; locked in one order, to the end of the transaction.
SELECT :PART(heartbeat_status)
FROM heartbeat_statuses status
WHERE heartbeat_id = ANY (ARRAY(:PART(heartbeat_ids)))
ORDER BY heartbeat_id
FOR UPDATE
