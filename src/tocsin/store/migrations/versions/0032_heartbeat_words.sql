-- What the alert of a heartbeat says besides what follows from it.
ALTER TABLE heartbeats ADD COLUMN description text, ADD COLUMN alert_title text;
