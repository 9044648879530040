-- Alerts that are no sources any more. Their targets are to be looked at after a time of grace, which the rule
-- gives, unless another source still holds all of them: then nothing changes for anybody.
WITH given AS (
    SELECT * FROM unnest(%(keys)s, %(alert_ids)s, %(look_at)s) AS given (key, alert_id, look_at)
), needless AS (
    DELETE FROM inhibition_sources AS source
    USING given
    WHERE source.key = given.key AND source.alert_id = given.alert_id
      AND EXISTS (
          SELECT FROM inhibition_sources AS other
          WHERE other.key = given.key AND other.ended_at IS NULL AND other.targets = '{}'
            AND NOT EXISTS (
                SELECT FROM given AS also
                WHERE also.key = other.key AND also.alert_id = other.alert_id
            )
      )
    RETURNING source.key, source.alert_id
)
UPDATE inhibition_sources AS source
SET ended_at = %(now)s, look_at = given.look_at
FROM given
WHERE source.key = given.key AND source.alert_id = given.alert_id AND source.ended_at IS NULL
  AND NOT EXISTS (
      SELECT FROM needless
      WHERE needless.key = given.key AND needless.alert_id = given.alert_id
  )
