lower(concat_ws(
    E'\n', '', alerts.title, left(alerts.description, 10000), alerts.source, alerts.external_id,
    (SELECT string_agg(key || '=' || value, E'\n') FROM jsonb_each_text(alerts.labels)), ''
))
