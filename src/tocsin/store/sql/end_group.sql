-- A group has ended: whatever comes begins a new one.
DELETE FROM alert_groups WHERE id = %(id)s
