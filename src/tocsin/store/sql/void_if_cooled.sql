-- Of a transaction that was decided as if no cooldown ran for these alert keys: it is void if anything is
-- known of any (see `void_unless_news.sql`), over or not, for the rule may have become longer since.
SELECT set_config('tocsin.void', 'yes', true)
WHERE EXISTS (SELECT FROM cooldowns WHERE problem = ANY (%(alert_keys)s))
