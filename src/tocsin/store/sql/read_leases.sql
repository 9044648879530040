SELECT alert_id, sender, ends_at, lapses_at FROM alert_leases WHERE alert_id = ANY(%(alert_ids)s)
