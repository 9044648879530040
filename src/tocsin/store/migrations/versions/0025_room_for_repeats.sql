-- A repeat changes when an alert was last heard of, and how often: no index has that. Where the new version
-- of the row fits on the same page, PostgreSQL writes no index entry for it, and clears the old one
-- away without a vacuum. Alerts that are sent together are repeated together, all of a page in one
-- transaction, so there has to be room for as much again.
ALTER TABLE alerts SET (fillfactor = 50);
