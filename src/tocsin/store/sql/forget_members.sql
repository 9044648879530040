-- Members that are over, and of which that is said.
DELETE FROM alert_group_members AS member
WHERE member.group_id = %(id)s
  AND NOT EXISTS (SELECT FROM alerts
                  WHERE alerts.id = member.alert_id AND alerts.status::text IN ('OPEN', 'ACKNOWLEDGED'))
