"""Things by what a person calls them: a name, an id or its beginning, or `last`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tocsin.cli.kit.exits import Exit, Failure

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

LAST = "last"
_SEARCHED = 2_000
"""The newest so many are looked through for the beginning of an id."""
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def one_of(kind: str, said: str, found: list[Any]) -> Any:
    """The only one of `found`.

    Raises:
        Failure: if there is none or more than one.
    """
    if not found:
        raise Failure(f"there is no {kind} {said!r} in this workspace", code=Exit.NOT_FOUND)
    if len(found) > 1:
        ids = ", ".join(each["id"] for each in found[:3])
        raise Failure(
            f"{len(found)} of them go by {said!r}: {ids}{', …' if len(found) > 3 else ''}; "
            f"say which {kind} by more of its id",
            code=Exit.USAGE,
        )
    return found[0]


def by_name(api: ApiClient, path: str, kind: str, said: str) -> Any:
    """What a list holds by this name, id or unique beginning of an id, people by their address and
    tenants by their slug, too; `last` is the newest.

    Raises:
        Failure: if it is not there; it names those that are.
    """
    items = api.items(path, limit=10_000)
    members = ("id", "name", "email", "slug")
    found = [each for each in items if said in (each.get(member) for member in members)]
    if not found:
        found = items[:1] if said == LAST else beginning(items, said)
    return one_named(kind, said, found, items)


def names_by_id(api: ApiClient, path: str) -> dict[str, str]:
    """Of all that a list holds."""
    return {each["id"]: each["name"] for each in api.items(path, limit=10_000)}


def one_named(kind: str, said: str, found: list[Any], items: list[Any]) -> Any:
    """The only one of `found`, which are some of `items`.

    Raises:
        Failure: there is none, or more than one; where there is none it names those that are there.
    """
    if not found and items:
        names = ", ".join(sorted(each.get("name") or each["id"] for each in items)[:10])
        raise Failure(
            f"there is no {kind} {said!r} in this workspace; there are {names}",
            code=Exit.NOT_FOUND,
        )
    return one_of(kind, said, found)


def one_id(api: ApiClient, path: str, kind: str, said: str) -> str:
    """The id of what a list holds: `last` is the newest, any unique beginning of an id will do.

    Raises:
        Failure: there is none, or more than one begins so.
    """
    if _UUID.fullmatch(said):
        return said
    newest = api.items(path, limit=1 if said == LAST else _SEARCHED)
    if said == LAST:
        if not newest:
            raise Failure(f"there is no {kind} yet", code=Exit.NOT_FOUND)
        return str(newest[0]["id"])
    return str(one_of(kind, said, beginning(newest, said))["id"])


def among(items: list[Any], kind: str, said: str, is_called: Callable[[Any], bool]) -> Any:
    """The one of `items` that has this id or is called so, or else whose id begins so; `last` is the
    newest of them.

    Raises:
        Failure: there is none, or more than one.
    """
    found = [each for each in items if said == each["id"] or is_called(each)]
    if not found and said == LAST:
        found = sorted(items, key=lambda each: str(each["id"]))[-1:]
    return one_of(kind, said, found or beginning(items, said))


def alert_id(api: ApiClient, said: str) -> str:
    return one_id(api, "/alerts", "alert", said)


def beginning(items: list[Any], said: str) -> list[Any]:
    """Those whose ids begin so."""
    return [each for each in items if said and each["id"].startswith(said.lower())]
