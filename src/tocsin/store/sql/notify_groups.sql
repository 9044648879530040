-- Wakes whoever looks at groups when the transaction commits.
SELECT pg_notify('tocsin_groups', '') WHERE :PART(unless_void)
