-- Of a transaction that was decided before it was begun: whether nothing is known of its alert keys, as
-- was expected, and its configuration is the newest. Gives no row then, else one; what the transaction
-- writes is void from then on: its statements (those with `parts/unless_void.sql`) do nothing, so that
-- it can be sent whole, with its COMMIT, before anybody knows. An error would do the same, but stand in
-- the log of the server each time. A statement of its own, for the reason that `read_alert_keys.sql`
-- gives, and so has OFFSET 0.
SELECT set_config('tocsin.void', 'yes', true)
WHERE (SELECT version FROM configuration) <> %(version)s
   OR EXISTS (
       SELECT FROM unnest(%(integration_ids)s, %(external_ids)s) AS asked (integration_id, external_id)
       WHERE EXISTS (
           SELECT FROM alerts
           WHERE integration_id = asked.integration_id
             AND external_id = asked.external_id
             AND status IN ('OPEN', 'ACKNOWLEDGED')
           OFFSET 0)
       OR EXISTS (
           SELECT FROM resolutions
           WHERE integration_id = asked.integration_id
             AND external_id = asked.external_id
             AND expires_at > %(now)s
           OFFSET 0)
   )
