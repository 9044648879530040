"""What can be done to anything that has a name and a place in the API: switch it, delete it."""

from __future__ import annotations

from tocsin.cli.lookup import by_name
from tocsin.cli.output import note


def switch(path: str, kind: str, name: str, workspace: str, *, is_enabled: bool) -> None:
    """Enables or disables what has this name, and says so.

    Raises:
        Failure: there is no such thing, or not just one.
    """
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = by_name(api, path, kind, name)
        api.patch(f"{path}/{found['id']}", {"is_enabled": is_enabled})
    note(f"{found['name']} is switched {'on' if is_enabled else 'off'}.")


def delete(path: str, kind: str, name: str, workspace: str) -> None:
    """Deletes what has this name, and says so.

    Raises:
        Failure: there is no such thing, not just one, or something still needs it.
    """
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        found = by_name(api, path, kind, name)
        api.delete(f"{path}/{found['id']}")
    note(f"Deleted {found['name']}.")
