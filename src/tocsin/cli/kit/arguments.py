"""What several commands read from their arguments: matchers, spans of time, settings of a config."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.model import Severity

_MATCHER = re.compile(r"\s*([^=!~\s][^=!~]*?)\s*(=~|!~|!=|=)(.*)", re.DOTALL)
_WINDOW = re.compile(r"(?:([a-z,]+)\s+)?(\d\d:\d\d)\s*-\s*(\d\d:\d\d)\s+(\S+)")
_SPAN = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?:in)?)?(?:(\d+)s)?")

_AN_ID = "An id, the beginning of one, or `last`."
AlertId = Annotated[str, typer.Argument(metavar="ALERT_ID", help=_AN_ID)]
AlertDeliveryId = Annotated[str, typer.Argument(metavar="ALERT_DELIVERY_ID", help=_AN_ID)]
WebhookDeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY_ID", help=_AN_ID)]
SilenceId = Annotated[str, typer.Argument(metavar="SILENCE_ID", help=_AN_ID)]

Matchers = Annotated[
    list[str] | None,
    typer.Option(
        "--match",
        "-m",
        metavar="LABEL=VALUE",
        help="Also != =~ !~ (RE2, the whole value); a label, severity, source, type or title.",
    ),
]

Unless = Annotated[
    list[str] | None,
    typer.Option(
        "--unless",
        metavar="LABEL=VALUE[,…]",
        help="Not what matches all of these; repeatable, each apart from the others.",
    ),
]


Breakthrough = Annotated[
    Severity | None,
    typer.Option(case_sensitive=False, help="Alerts at least this bad are sent all the same."),
]


def one_of(kind: type[StrEnum]) -> str:
    """The words of an argument, for its help: in the line on usage there is no room for them."""
    *words, last = kind
    return f"{', '.join(words)} or {last}."


def matcher(text: str) -> dict[str, str]:
    """`service=~web-.*` as the API has it.

    Raises:
        Failure: if it is not of that form.
    """
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise Failure(
            f"--match {text!r} must read LABEL=VALUE, LABEL!=VALUE, LABEL=~REGEX or LABEL!~REGEX",
            code=Exit.USAGE,
        )
    return {"label": found[1], "op": found[2], "value": found[3].strip()}


def matchers(texts: list[str] | None) -> list[dict[str, str]]:
    return [matcher(text) for text in texts or []]


def exemptions(texts: list[str] | None) -> list[list[dict[str, str]]]:
    """Each text is one list of matchers, apart by commas; a comma of a value is written twice."""
    return [
        [matcher(each.replace("\0", ",")) for each in text.replace(",,", "\0").split(",")]
        for text in texts or []
    ]


def quiet_window(text: str, breakthrough: str | None) -> dict[str, Any]:
    """`sat,sun 00:00-00:00 Europe/Berlin` as the API has it; the days may be left out.

    Raises:
        Failure: if it is not of that form.
    """
    found = _WINDOW.fullmatch(text.strip())
    if found is None:
        raise Failure(
            f"--quiet {text!r} must read [DAYS] START-END TIMEZONE, such as "
            "`mon,tue 22:00-07:00 Europe/Berlin`",
            code=Exit.USAGE,
        )
    window = {"start": found[2], "end": found[3], "timezone": found[4]}
    days = {} if found[1] is None else {"days": found[1].split(",")}
    return {**days, **window, "breakthrough_severity": breakthrough}


def seconds(text: str | None, option: str) -> int | None:
    """A span of time in seconds, if there is one."""
    return None if text is None else int(span(text, option).total_seconds())


def minutes(text: str, option: str) -> int | None:
    """A span of time in whole minutes; None for `never`.

    Raises:
        Failure: if it is neither.
    """
    return None if text == "never" else int(span(text, option).total_seconds()) // 60


def severity_name(severity: Severity | None) -> str | None:
    return None if severity is None else severity.value


def span(text: str, option: str) -> timedelta:
    """`2h`, `1d12h`, `90m`, `45s`.

    Raises:
        Failure: if it is not of that form, or nothing at all.
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise Failure(
            f"{option} {text!r} must be a span of time such as 30m, 2h or 1d12h", code=Exit.USAGE
        )
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def whole_minutes(text: str, option: str) -> int:
    """A span in whole minutes, rounded up.

    Raises:
        Failure: if it is no span.
    """
    return -(-span(text, option) // timedelta(minutes=1))


def condition(document: Any) -> str:
    """What a rule, a silence or a window asks for, for people."""
    parts = []
    if document.get("min_severity"):
        parts.append(f"{document['min_severity']} or worse")
    parts += [f"{each['label']}{each['op']}{each['value']}" for each in document["matchers"]]
    parts += [
        "unless " + " and ".join(f"{each['label']}{each['op']}{each['value']}" for each in matchers)
        for matchers in document.get("unless", ())
    ]
    if document.get("tenant_ids"):
        parts.append(f"of {len(document['tenant_ids'])} tenants")
    return ", ".join(parts) or "always"


def read_text(path: str) -> str:
    """A file, or standard input for `-`.

    Raises:
        Failure: if it cannot be read.
    """
    try:
        if path == "-":
            return typer.get_text_stream("stdin").read()
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise Failure(f"cannot read {path}: {reason}", code=Exit.USAGE) from None


def read_json(path: str) -> Any:
    """The JSON document in a file, or on standard input for `-`.

    Raises:
        Failure: if it cannot be read or is not JSON.
    """
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise Failure(f"{path} is not JSON: {error}", code=Exit.USAGE) from None


def assignments(texts: list[str] | None) -> dict[str, Any]:
    """`url=https://…` as members of a config; what is named several times is a list.

    Raises:
        Failure: if one has no name.
    """
    config: dict[str, Any] = {}
    for text in texts or []:
        name, separator, value = text.partition("=")
        if not separator or not name:
            # Not the text itself: it may be a secret.
            raise Failure("--set must read NAME=VALUE", code=Exit.USAGE)
        config.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in config.items()}
