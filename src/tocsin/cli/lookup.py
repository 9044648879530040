"""Things by the name a person gives them: a name, an id, or `last`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tocsin.cli.exits import Exit, Failure

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

LAST = "last"


def one_of(kind: str, said: str, found: list[Any]) -> Any:
    """The only one of `found`.

    Raises:
        Failure: if there is none or more than one.
    """
    if not found:
        raise Failure(f"there is no {kind} {said!r} in this workspace", code=Exit.NOT_FOUND)
    if len(found) > 1:
        raise Failure(
            f"{len(found)} of them go by {said!r}; say which {kind} by its id", code=Exit.USAGE
        )
    return found[0]


def by_name(api: ApiClient, path: str, kind: str, said: str) -> Any:
    """What a list holds by this id or name.

    Raises:
        Failure: if it is not there; it names those that are.
    """
    items = api.items(path, limit=10_000)
    found = [each for each in items if said in (each["id"], each["name"])]
    if not found and items:
        names = ", ".join(sorted(each["name"] for each in items)[:10])
        raise Failure(
            f"there is no {kind} {said!r} in this workspace; there are {names}",
            code=Exit.NOT_FOUND,
        )
    return one_of(kind, said, found)


def alert_id(api: ApiClient, said: str) -> str:
    """An alert's id; `last` is the newest alert.

    Raises:
        Failure: if `last` is asked for and there is none.
    """
    if said != LAST:
        return said
    newest = api.items("/alerts", limit=1)
    if not newest:
        raise Failure("there is no alert yet", code=Exit.NOT_FOUND)
    return str(newest[0]["id"])
