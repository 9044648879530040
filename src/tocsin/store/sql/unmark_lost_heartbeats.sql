-- These are back, or nobody expects them any longer.
UPDATE heartbeat_statuses SET loss_id = NULL WHERE heartbeat_id = ANY (%(ids)s)
