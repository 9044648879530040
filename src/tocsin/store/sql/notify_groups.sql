-- Wakes whoever looks at groups when the transaction commits.
NOTIFY tocsin_groups
