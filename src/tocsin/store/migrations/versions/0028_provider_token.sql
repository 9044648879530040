-- What the provider of OpenID Connect said when a session began, encrypted: with it one signs out there.
ALTER TABLE sessions ADD COLUMN provider_token bytea;
