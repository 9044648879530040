-- The first lock of whoever changes configuration, as its triggers take it: alone, to the commit.
SELECT pg_advisory_xact_lock(:CONFIGURATION_LOCK)
