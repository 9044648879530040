-- These destinations have used up their rate, or one that they share: for whoever looks why a message
-- waits. Written when it changes by more than a second or so, not at each look.
UPDATE destination_states AS state
SET rate_used_until = now() + make_interval(secs => used.seconds)
FROM unnest(%(destinations)s::uuid[], %(seconds)s::float8[]) AS used (destination, seconds)
WHERE state.alert_destination_id = used.destination
  AND (state.rate_used_until IS NULL
       OR abs(extract(epoch FROM state.rate_used_until - now()) - used.seconds) > 2)
