"""The Adaptive Card for Teams, within what every client shows and Teams accepts.

Only elements of version 1.2 are used, as phones show no more. Senders' texts stand in TextRuns,
which are literal; TextBlocks are read as Markdown, without a way to switch that off, so they hold
our own words only. Severity is a word and the colour of the heading's ground: text has the colour that
the client gives to text on that ground, as its own yellow on its own yellow cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape as escape_xml

from tocsin.delivery.channels.kit.addresses_in_text import pieces
from tocsin.delivery.channels.kit.escape import breakable, cut, macro_free
from tocsin.delivery.channels.kit.message_words import Fact, MessageWords
from tocsin.delivery.channels.kit.moments import Moment
from tocsin.model import Severity

CARD_LIMIT = 24_000
"""Bytes of the card as JSON."""
STORED_LIMIT = 27_800
"""Bytes of the card as a string within JSON. Teams refuses 28,672, seems to count that way, and
refuses after having answered 202."""
ACTIONS = 6
"""Those beyond are not shown."""
SHORTENED = "Shortened to fit into Teams; open the alert for the rest."

# Characters in one run that a phone has room for: in a third of its width, in two thirds, in all of it.
_LONGEST_OF_NAME, _LONGEST_OF_VALUE, _LONGEST_OF_LINE, _LONGEST_OF_TITLE = 12, 20, 32, 22
# Of a row of buttons, with what stands around each.
_LONGEST_OF_BUTTONS, _AROUND_A_BUTTON = 42, 4

_STYLES = {
    Severity.CRITICAL: "attention",
    Severity.HIGH: "warning",
    Severity.MEDIUM: "accent",
    Severity.LOW: "emphasis",
    Severity.INFO: "emphasis",
}


def render(words: MessageWords) -> dict[str, Any]:
    """The card, shortened step by step until it fits: labels, then text, then the title."""
    for shorter in _shorter_and_shorter(words):
        card = _card(shorter, shortened=shorter is not words)
        if size(card) <= CARD_LIMIT and stored_size(card) <= STORED_LIMIT:
            break
    return card


def size(card: dict[str, Any]) -> int:
    """Bytes as they are sent."""
    return len(_compact(card).encode())


def stored_size(card: dict[str, Any]) -> int:
    """Bytes as Teams keeps it, every quote and backslash escaped."""
    return len(_compact(_compact(card)).encode())


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _shorter_and_shorter(words: MessageWords) -> Iterable[MessageWords]:
    yield words
    total = len(words.labels) + words.more_labels
    for labels in (10, 5, 0):
        kept = words.labels[:labels]
        yield (words := replace(words, labels=kept, more_labels=total - len(kept)))
    for limit in (2_000, 1_000, 300):
        yield (
            words := replace(words, description=words.description and cut(words.description, limit))
        )
    yield replace(
        words,
        description=None,
        title=cut(words.title, 100),
        facts=tuple(Fact(fact.name, cut(fact.value, 80)) for fact in words.facts),
    )


def _card(words: MessageWords, *, shortened: bool) -> dict[str, Any]:
    body: list[dict[str, Any]] = [_heading(words), _text(words.change)]
    body.extend(_own(_moment(moment)) for moment in words.moments)
    body.extend(_lines(words.lead))
    body.extend(_actions(words))
    if words.code_hint:
        body.append(_own(words.code_hint, bold=True))
    body.extend(_lines(words.rest))
    rows = [_row(fact) for fact in words.rows]
    if rows:
        rows[0] |= {"spacing": "Medium", "separator": True}
    body.extend(rows)
    if words.more_labels:
        body.append(_own(f"and {words.more_labels} more labels", subtle=True))
    if shortened:
        body.append(_own(SHORTENED, subtle=True))
    body.append(_text(words.footer, subtle=True, small=True))
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        # Phones demand one, and show no more than this.
        "version": "1.2",
        "lang": "en",
        "fallbackText": macro_free(words.summary),
        "speak": escape_xml(macro_free(words.summary)),
        "msteams": {"width": "Full"},
        "body": body,
    }


def _actions(words: MessageWords) -> Iterable[dict[str, Any]]:
    """In the body, so that they stand above the labels; in rows that a phone has room for, as buttons
    do not wrap."""
    rows: list[list[dict[str, Any]]] = []
    room = 0
    for action in words.actions[:ACTIONS]:
        width = len(action.name) + _AROUND_A_BUTTON
        if width > room:
            rows.append([])
            room = _LONGEST_OF_BUTTONS
        room -= width
        rows[-1].append({"type": "Action.OpenUrl", "title": action.name, "url": action.url})
    return ({"type": "ActionSet", "actions": row} for row in rows)


def _heading(words: MessageWords) -> dict[str, Any]:
    style = "good"
    if words.severity is None:
        style = "emphasis"
    elif not words.is_over:
        style = _STYLES[words.severity]
    return {
        "type": "Container",
        "style": style,
        "bleed": True,
        "items": [
            {
                "type": "TextBlock",
                "text": words.headline,
                "weight": "Bolder",
                "wrap": True,
            },
            {
                "type": "RichTextBlock",
                "inlines": [
                    _run(breakable(words.title, _LONGEST_OF_TITLE), size="Large", weight="Bolder")
                ],
            },
        ],
    }


def _row(fact: Fact) -> dict[str, Any]:
    """Two columns rather than a FactSet or a Table: the one reads Markdown, the other needs 1.5. Shares
    of the width, so that a long name wraps beside its value on a phone, too."""
    return {
        "type": "ColumnSet",
        "spacing": "Small",
        "columns": [
            _column(1, _text(fact.name, subtle=True, longest=_LONGEST_OF_NAME)),
            _column(2, _text(fact.value or "–", longest=_LONGEST_OF_VALUE)),
        ],
    }


def _column(width: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Column", "width": width, "items": [item]}


def _lines(text: str | None) -> Iterable[dict[str, Any]]:
    """A RichTextBlock shows no line ends of its own on some clients; one per line does."""
    return (_text(line) for line in (text or "").split("\n") if line.strip())


def _text(
    text: str, *, subtle: bool = False, small: bool = False, longest: int = _LONGEST_OF_LINE
) -> dict[str, Any]:
    """Anybody's text, shown as it is; addresses in it can be clicked."""
    style: dict[str, Any] = {}
    if subtle:
        style["isSubtle"] = True
    if small:
        style["size"] = "Small"
    inlines = [
        _run(breakable(piece.shown, longest), **style)
        | (_opens(piece.text) if piece.is_address else {})
        for piece in pieces(text)
    ]
    return {"type": "RichTextBlock", "inlines": inlines}


def _opens(address: str) -> dict[str, Any]:
    return {"selectAction": {"type": "Action.OpenUrl", "url": address}, "color": "Accent"}


def _run(text: str, **style: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": macro_free(text), **style}


def _own(text: str, *, subtle: bool = False, bold: bool = False) -> dict[str, Any]:
    """Our own words; only here are dates expanded by the client."""
    block: dict[str, Any] = {"type": "TextBlock", "text": text, "wrap": True, "spacing": "Small"}
    if subtle:
        block["isSubtle"] = True
    if bold:
        block["weight"] = "Bolder"
    return block


def _moment(moment: Moment) -> str:
    """In the destination's zone if it has one, else in each reader's own; always in UTC too."""
    if moment.local:
        return f"{moment.name} {moment.aged}"
    at = f"{moment.at:%Y-%m-%dT%H:%M:%SZ}"
    age = f", {moment.age}" if moment.age else ""
    return f"{moment.name} {{{{DATE({at}, SHORT)}}}} {{{{TIME({at})}}}} ({moment.utc}){age}"
