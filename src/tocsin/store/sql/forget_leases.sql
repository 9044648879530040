DELETE FROM alert_leases WHERE alert_id = ANY(%(alert_ids)s) AND lapses_at <= %(now)s
