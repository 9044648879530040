-- The version of the configuration, under its lock.
SELECT version FROM configuration
