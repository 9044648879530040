"""The Adaptive Card for Teams, within what every client shows and Teams accepts.

Only elements of version 1.2 are used, as phones show no more. Senders' texts stand in TextRuns,
which are literal; TextBlocks are read as Markdown, without a way to switch that off, so they hold
our own words only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape as escape_xml

from tocsin.delivery.channels.kit.escape import cut, macro_free
from tocsin.delivery.channels.kit.message_words import Fact, MessageWords, Moment
from tocsin.model import Severity

CARD_LIMIT = 24_000
"""Bytes of the card as JSON."""
STORED_LIMIT = 27_800
"""Bytes of the card as a string within JSON. Teams refuses 28,672, seems to count that way, and
refuses after having answered 202."""
SHORTENED = "Shortened to fit into Teams; open the alert for the rest."

_STYLES = {
    Severity.CRITICAL: ("attention", "Attention"),
    Severity.HIGH: ("warning", "Warning"),
    Severity.MEDIUM: ("accent", "Accent"),
    Severity.LOW: ("emphasis", "Default"),
    Severity.INFO: ("emphasis", "Default"),
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
    if words.description:
        # A RichTextBlock shows no line ends of its own on some clients; one per line does.
        body.extend(_text(line) for line in words.description.split("\n") if line.strip())
    rows = [_row(fact) for fact in (*words.facts, *words.labels)]
    if rows:
        rows[0]["spacing"] = "Medium"
    body.extend(rows)
    if words.more_labels:
        body.append(_own(f"and {words.more_labels} more labels", subtle=True))
    body.extend(_own(_moment(moment), subtle=True) for moment in words.moments)
    if words.code_hint:
        body.append(_own(words.code_hint, bold=True))
    if shortened:
        body.append(_own(SHORTENED, subtle=True))
    body.append(_text(words.footer, subtle=True, small=True))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        # Mandatory for phones; they show 1.2 elements whatever is here.
        "version": "1.4",
        "lang": "en",
        "fallbackText": macro_free(words.summary),
        "speak": escape_xml(macro_free(words.summary)),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if words.actions:
        card["actions"] = [
            {"type": "Action.OpenUrl", "title": action.name, "url": action.url}
            for action in words.actions
        ]
    return card


def _heading(words: MessageWords) -> dict[str, Any]:
    style, colour = ("good", "Good")
    if words.severity is None:
        style, colour = ("emphasis", "Default")
    elif not words.is_over:
        style, colour = _STYLES[words.severity]
    return {
        "type": "Container",
        "style": style,
        "bleed": True,
        "items": [
            {
                "type": "TextBlock",
                "text": words.headline,
                "weight": "Bolder",
                "color": colour,
                "wrap": True,
                "style": "heading",
            },
            {
                "type": "RichTextBlock",
                "inlines": [_run(words.title, size="Large", weight="Bolder")],
            },
        ],
    }


def _row(fact: Fact) -> dict[str, Any]:
    """Two columns rather than a FactSet or a Table: the one reads Markdown, the other needs 1.5."""
    return {
        "type": "ColumnSet",
        "spacing": "Small",
        "columns": [
            {"type": "Column", "width": "110px", "items": [_text(fact.name, subtle=True)]},
            {"type": "Column", "width": "stretch", "items": [_text(fact.value or "–")]},
        ],
    }


def _text(text: str, *, subtle: bool = False, small: bool = False) -> dict[str, Any]:
    """Anybody's text, shown as it is."""
    style: dict[str, Any] = {}
    if subtle:
        style["isSubtle"] = True
    if small:
        style["size"] = "Small"
    return {"type": "RichTextBlock", "inlines": [_run(text, **style)]}


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
        return f"{moment.name} {moment.text}"
    at = f"{moment.at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{moment.name} {{{{DATE({at}, SHORT)}}}} {{{{TIME({at})}}}} ({moment.utc})"
