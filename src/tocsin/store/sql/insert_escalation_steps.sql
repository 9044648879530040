-- Steps that were taken. The primary key is what keeps one from being taken twice, whoever tries.
INSERT INTO escalation_steps (escalation_id, loop, step, at, detail)
SELECT escalation_id, loop, step, %(now)s, detail::jsonb
FROM unnest(%(escalation_id)s, %(loop)s, %(step)s, %(detail)s)
     AS given (escalation_id, loop, step, detail)
WHERE :PART(unless_void)
