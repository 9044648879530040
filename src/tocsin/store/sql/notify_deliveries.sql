-- Wakes every dispatcher once this commits; a burst of commits collapses into few notices.
SELECT pg_notify('tocsin_deliveries', '') WHERE :PART(unless_void)
