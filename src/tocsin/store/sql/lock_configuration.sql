-- The first lock of every batch: a change of rules or integrations waits for us, or we see all of it.
SELECT pg_advisory_xact_lock_shared(:CONFIGURATION_LOCK)
