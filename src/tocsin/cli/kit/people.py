"""People and their contact methods as commands name and show them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.lookup import LAST, among, beginning, one_named

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

User = Annotated[
    str, typer.Argument(metavar="USER", help="The person's mail address, name or id, or `last`.")
]
Contact = Annotated[
    str,
    typer.Argument(metavar="CONTACT", help="The contact method's label, type or id, or `last`."),
]

_QUIET = re.compile(r"(?:([a-z,]+)\s+)?(\d\d:\d\d)\s*-\s*(\d\d:\d\d)(?:\s+(\S+))?")


def find_user(api: ApiClient, said: str) -> Any:
    """The member with this address, name (in either case), id or beginning of an id; `last` is the
    newest.

    Raises:
        Failure: there is none, or more than one.
    """
    items, wanted = api.items("/users", limit=10_000), said.lower()
    # An address is one person's; a name may be that of several.
    found = [each for each in items if wanted in (each["id"], each["email"].lower())]
    found = found or [each for each in items if wanted == each["name"].lower()]
    found = found or (items[:1] if said == LAST else beginning(items, said))
    return one_named("user", said, found, items)


def user_id(api: ApiClient, said: str) -> str:
    return str(find_user(api, said)["id"])


def find_contact(api: ApiClient, user: Any, said: str) -> Any:
    """The contact method of this person with this label or id, or the only one of this type.

    Raises:
        Failure: there is none, or more than one.
    """
    items = api.items(f"/users/{user['id']}/contact-methods", limit=1_000)
    called = contacts_called(items, said)
    return among(items, "contact method", said, lambda each: each in called)


def contacts_called(methods: list[Any], said: str) -> list[Any]:
    """Those that go by this label, id, type or beginning of an id."""
    found = [each for each in methods if said in (each["id"], each["label"])]
    found = found or [each for each in methods if said == each["type"]]
    return found or beginning(methods, said)


def reached(user: Any) -> Text:
    """Whether a page would reach a person."""
    if not user["is_active"]:
        return Text("disabled", style="yellow")
    return Text("yes") if user["is_reachable"] else Text("no", style="bold red")


def quiet_times(texts: list[str]) -> list[dict[str, Any]] | None:
    """`sat,sun 22:00-07:00 Europe/Vienna` as the API has it; days and timezone may be left out.

    Raises:
        Failure: if one is not of that form.
    """
    if texts == ["none"]:
        return None
    windows = []
    for text in texts:
        found = _QUIET.fullmatch(text.strip())
        if found is None:
            raise Failure(
                f"--quiet {text!r} must read [DAYS] START-END [TIMEZONE], such as 22:00-07:00",
                code=Exit.USAGE,
            )
        days = {} if found[1] is None else {"days": found[1].split(",")}
        windows.append({**days, "start": found[2], "end": found[3], "timezone": found[4]})
    return windows


def quiet_time(window: Any, own_timezone: str) -> str:
    """A window of quiet hours, for people."""
    days = "" if len(window["days"]) == 7 else f"{','.join(window['days'])} "
    return f"{days}{window['start']}-{window['end']} {window['timezone'] or own_timezone}"


def wanted_notices(texts: list[str]) -> dict[str, Any] | None:
    """`60m`, `1d` and `end` as the API has them.

    Raises:
        Failure: if one is not of that form.
    """
    from tocsin.cli.kit.arguments import whole_minutes

    if texts == ["none"]:
        return None
    before = [text for text in texts if text != "end"]
    return {
        "before_minutes": [
            0 if text == "0" else whole_minutes(text, "--shift-notices") for text in before
        ],
        "at_end": "end" in texts,
    }


def notices_words(wanted: Any) -> str:
    """Of which of their shifts somebody is notified, for people."""
    if wanted is None:
        return "no"
    parts = [_before(each) for each in wanted["before_minutes"]]
    return ", ".join([*parts, "at the end"] if wanted["at_end"] else parts)


def _before(minutes: int) -> str:
    if not minutes:
        return "when one begins"
    count, unit = (minutes, "min") if minutes % 60 else (minutes // 60, "h")
    return f"{count} {unit} before"
