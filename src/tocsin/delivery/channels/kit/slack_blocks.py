"""A message in Slack's words: Block Kit inside an attachment, which has the colour bar."""

from __future__ import annotations

from typing import Any

from tocsin.delivery.channels.kit import escape
from tocsin.delivery.channels.kit.addresses_in_text import pieces
from tocsin.delivery.channels.kit.message_words import Fact, MessageWords
from tocsin.delivery.channels.kit.moments import Moment
from tocsin.delivery.channels.kit.slack_dialects import Dialect, attachment, variables
from tocsin.model import Severity
from tocsin.model.sender_links import is_web_address

# Slack's limits, counted in characters after escaping; beyond them it answers `invalid_blocks`
# without saying where. The whole message stays far below an undocumented cap near 12,000.
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FIELDS_PER_SECTION = 10
TEXT_LIMIT = 1_000
DESCRIPTION_LIMIT = 2_500
FACT_LIMIT = 250
WHOLE_LIMIT = 8_000
ACTIONS_LIMIT = 2_000
_MOST_PIECES = 60

_COLOURS = {
    Severity.CRITICAL: "#C50F1F",
    Severity.HIGH: "#D83B01",
    Severity.MEDIUM: "#C19C00",
    Severity.LOW: "#0078D4",
    Severity.INFO: "#6B6B6B",
}
_DONE = "#107C10"


def payload(words: MessageWords, dialect: Dialect) -> dict[str, Any]:
    match dialect:
        case Dialect.WORKFLOW:
            return dict(variables(words))
        case Dialect.COMPATIBLE:
            attached = attachment(words, _colour(words))
            return {**plain(words), "text": attached["fallback"], "attachments": [attached]}
        case Dialect.INCOMING_WEBHOOK:
            return render(words)


def render(words: MessageWords, buttons: dict[str, Any] | None = None) -> dict[str, Any]:
    """The whole payload, with a block of buttons before the links, if there is one. `text` is what
    notifications and screen readers use, and the first line on screen; senders' texts stand only where
    Slack reads no markup."""
    blocks = _head(words, buttons)
    below = [_prose(words.rest)] if words.rest else []
    footer = {"type": "context", "elements": [_plain(words.footer, FIELD_LIMIT)]}
    room = WHOLE_LIMIT - size_of([*blocks, *below, footer]) - len(plain(words)["text"])
    fields: list[dict[str, Any]] = []
    for fact in words.rows:
        field = _field(fact)
        room -= len(field["text"])
        if room < 0:
            break
        fields.append(field)
    blocks += below
    for start in range(0, len(fields), FIELDS_PER_SECTION):
        some = fields[start : start + FIELDS_PER_SECTION]
        blocks.append({"type": "section", "fields": some})
    if more := words.more_labels + len(words.rows) - len(fields):
        blocks.append(_context(f"and {more} more labels"))
    return {
        **plain(words),
        "attachments": [
            {
                "color": _colour(words),
                "fallback": escape.slack(words.summary, TEXT_LIMIT),
                "blocks": [*blocks, footer],
            }
        ],
    }


def _head(words: MessageWords, buttons: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What stands first, and must never be cut: what changed, since when, links, code."""
    blocks: list[dict[str, Any]] = [_section(words.change)]
    blocks.append(_context(" · ".join(_moment(each) for each in words.moments)))
    if words.lead:
        blocks.append(_prose(words.lead))
    if buttons is not None:
        blocks.append(buttons)
    if actions := _actions(words):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": actions}})
    if words.code_hint:
        blocks.append(_section(words.code_hint))
    return blocks


def _field(fact: Fact) -> dict[str, Any]:
    """A value that is an address can be clicked; all else is read literally."""
    if is_web_address(fact.value) and escape.MARK not in fact.value:
        name = escape.slack(escape.inert(fact.name), FACT_LIMIT)
        return {"type": "mrkdwn", "text": f"{name}\n<{escape.slack_url(fact.value)}>"}
    return _plain(f"{fact.name}\n{fact.value or '–'}", FACT_LIMIT)


def _prose(text: str) -> dict[str, Any]:
    """A sender's text; addresses in it can be clicked, which plain text does not let them be."""
    text = escape.cut(text, DESCRIPTION_LIMIT)
    found = list(pieces(text))
    if not any(piece.is_address for piece in found):
        return _section(text)
    # The text of these is read literally: nothing is escaped.
    elements = [
        {"type": "link", "url": piece.text} if piece.is_address else _literal(piece.text)
        for piece in found[:_MOST_PIECES]
    ]
    if others := "".join(piece.text for piece in found[_MOST_PIECES:]):
        elements.append(_literal(others))
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def _literal(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def plain(words: MessageWords) -> dict[str, Any]:
    """The message without formatting: what is sent if Slack rejects the blocks."""
    return one_text(escape.slack(words.summary, TEXT_LIMIT))


def one_text(text: str) -> dict[str, Any]:
    return {
        "text": text,
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _colour(words: MessageWords) -> str:
    if words.severity is None:
        return _COLOURS[Severity.INFO]
    return _DONE if words.is_over else _COLOURS[words.severity]


def _plain(text: str, limit: int) -> dict[str, Any]:
    # Slack asks for the three escapes in plain_text as well, and shows them as characters.
    return {"type": "plain_text", "text": escape.slack(text, limit), "emoji": False}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, SECTION_LIMIT)}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _moment(moment: Moment) -> str:
    """In the destination's zone if it has one, else in each reader's own; always in UTC too."""
    if moment.local:
        return escape.slack(f"{moment.name} {moment.aged}", 200)
    unix = int(moment.at.timestamp())
    age = f", {moment.age}" if moment.age else ""
    return f"{moment.name} <!date^{unix}^{{date_short_pretty}} {{time_secs}}|{moment.utc}>" + (
        f" ({moment.utc}){age}"
    )


def _actions(words: MessageWords) -> str:
    """Links, not buttons: without an interactivity URL a button shows the reader a warning."""
    room = ACTIONS_LIMIT
    links = []
    # Ours are there in any case, whatever the sender's take.
    for action in sorted(words.actions, key=lambda action: not action.is_ours):
        link = f"<{escape.slack_url(action.url)}|{escape.slack(action.name, 75)}>"
        room -= len(link)
        if room >= 0 or action.is_ours:
            links.append((words.actions.index(action), link))
    return "   ·   ".join(link for _, link in sorted(links))


def size_of(blocks: list[dict[str, Any]]) -> int:
    """Characters of text over all blocks."""
    return sum(_length(block) for block in blocks)


def _length(part: Any) -> int:
    if isinstance(part, dict):
        text = part.get("text")
        own = len(text) if isinstance(text, str) else len(part.get("url", ""))
        return own + sum(_length(each) for each in part.values())
    return sum(_length(each) for each in part) if isinstance(part, list) else 0
