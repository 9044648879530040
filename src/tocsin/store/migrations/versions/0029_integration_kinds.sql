-- Words of state of the sender's own, which a mapping alone could list until now.
ALTER TABLE integrations ADD COLUMN kinds jsonb;
