ALTER TABLE integrations ADD COLUMN flapping jsonb DEFAULT
    '{"half_life_minutes": 15, "start": 3, "stop": 1, "quiet_minutes": 10, "longest_minutes": 240, "digest_minutes": 30}';

ALTER TABLE alerts ADD COLUMN flaps jsonb;

ALTER TABLE resolutions ADD COLUMN late_until timestamptz;
ALTER TABLE resolutions ADD COLUMN flaps jsonb;
