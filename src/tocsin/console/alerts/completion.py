"""What a query of alerts could go on with: names of conditions, then the values there are in this
workspace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response

from tocsin.console.getting_in.door import Call
from tocsin.model import AlertStatus, Severity
from tocsin.store.queries.live_words import label_names, label_values, own_values

MOST: Final = 12
_LONGEST: Final = 200

_TERM = re.compile(r"(?P<name>[A-Za-z_][\w.\-/]*)(?P<sign>!=|[:=])(?P<value>.*)\Z", re.DOTALL)
_NAMES: Final = ("severity", "status", "source", "tenant", "type", "owner", "title", "held")
_STARTS: Final = ("age<2h", "age>7d", "count>10")
_FIXED: Final = {
    "severity": tuple(each.value.lower() for each in Severity),
    "status": tuple(each.value.lower() for each in AlertStatus),
    "held": ("yes", "no"),
}


@dataclass(frozen=True, slots=True)
class TypedTerm:
    """The part of the term that is being typed: a name, or one value of `name`."""

    before: str
    """What stands before it and stays."""
    name: str | None
    typed: str


def read_term(term: str) -> TypedTerm:
    """`term` is the part of the query in which the cursor stands, up to the cursor."""
    text = term.lstrip('"')
    before = term[: len(term) - len(text)]
    if text.startswith("-"):
        before, text = before + "-", text[1:]
    match = _TERM.match(text)
    if match is None:
        return TypedTerm(before, None, text)
    done, comma, typed = match["value"].rpartition(",")
    return TypedTerm(f"{before}{match['name']}{match['sign']}{done}{comma}", match["name"], typed)


async def complete(call: Call) -> Response:
    asked = read_term(call.request.query_params.get("term", "")[:_LONGEST].replace("\0", ""))
    offers = await _names(call, asked) if asked.name is None else await _values(call, asked)
    return JSONResponse(
        [{"words": words, "term": term} for words, term in offers[:MOST]],
        headers={"Cache-Control": "no-store"},
    )


async def _names(call: Call, asked: TypedTerm) -> list[tuple[str, str]]:
    """What it says, and what is put in place of the term; a name goes on with its values."""
    begins = asked.typed.lower()
    own = [each for each in _NAMES if each.startswith(begins)]
    starts = [each for each in _STARTS if each.startswith(begins) and not asked.before]
    async with call.context.reading() as session:
        labels = await label_names(session, call.visitor.workspace_id, asked.typed, MOST)
    named = [f"{each}:" for each in [*own, *(each for each in labels if each not in own)]]
    return [(each, asked.before + each) for each in (*named, *starts)]


async def _values(call: Call, asked: TypedTerm) -> list[tuple[str, str]]:
    assert asked.name is not None
    name, workspace_id = asked.name.lower(), call.visitor.workspace_id
    if name in _FIXED:
        begins = asked.typed.lower()
        values = [each for each in _FIXED[name] if each.startswith(begins)]
    elif name in ("source", "type", "tenant", "owner"):
        async with call.context.reading() as session:
            values = await own_values(session, workspace_id, name, asked.typed, MOST)
        if name == "owner" and "nobody".startswith(asked.typed.lower()):
            values.insert(0, "nobody")
    else:
        async with call.context.reading() as session:
            values = await label_values(session, workspace_id, asked.name, asked.typed, MOST)
    # What a query would read as several values, or as a pattern, cannot be offered as one.
    plain = [each for each in values if not set(each) & set(',*"') and not each.startswith("~")]
    return [(each, _quoted(asked.before + each)) for each in plain]


def _quoted(term: str) -> str:
    inner = term.removeprefix('"')
    return f'"{inner}"' if " " in inner else inner
