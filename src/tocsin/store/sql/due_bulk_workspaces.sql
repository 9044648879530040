-- Workspaces with a bulk action that is not over.
SELECT DISTINCT workspace_id FROM bulk_actions WHERE state IN ('running', 'canceling')
