"""A message in Slack's words: Block Kit inside an attachment, which has the colour bar."""

from __future__ import annotations

from typing import Any

from tocsin.delivery.channels.kit import escape
from tocsin.delivery.channels.kit.message_words import MessageWords, Moment
from tocsin.delivery.channels.kit.slack_dialects import Dialect, attachment, variables
from tocsin.model import Severity

# Slack's limits, counted in characters after escaping; beyond them it answers `invalid_blocks`
# without saying where. The whole message stays far below an undocumented cap near 12,000.
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FIELDS_PER_SECTION = 10
TEXT_LIMIT = 1_000
DESCRIPTION_LIMIT = 2_500
FACT_LIMIT = 250
WHOLE_LIMIT = 8_000

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


def render(words: MessageWords) -> dict[str, Any]:
    """The whole payload. `text` is what notifications and screen readers use, and the first line
    on screen; senders' texts stand only where Slack reads no markup."""
    blocks: list[dict[str, Any]] = [_section(words.change)]
    if words.description:
        blocks.append(_section(escape.cut(words.description, DESCRIPTION_LIMIT)))
    tail = _tail(words)
    room = WHOLE_LIMIT - size_of([*blocks, *tail]) - len(plain(words)["text"])
    facts = [*words.facts, *words.labels]
    fields: list[dict[str, Any]] = []
    for fact in facts:
        field = _plain(f"{fact.name}\n{fact.value or '–'}", FACT_LIMIT)
        room -= len(field["text"])
        if room < 0:
            break
        fields.append(field)
    for start in range(0, len(fields), FIELDS_PER_SECTION):
        some = fields[start : start + FIELDS_PER_SECTION]
        blocks.append({"type": "section", "fields": some})
    if more := words.more_labels + len(facts) - len(fields):
        blocks.append(_context(f"and {more} more labels"))
    return {
        **plain(words),
        "attachments": [
            {
                "color": _colour(words),
                "fallback": escape.slack(words.summary, TEXT_LIMIT),
                "blocks": [*blocks, *tail],
            }
        ],
    }


def _tail(words: MessageWords) -> list[dict[str, Any]]:
    """What must never be cut: links, code, times."""
    blocks: list[dict[str, Any]] = []
    if actions := _actions(words):
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": actions}})
    if words.code_hint:
        blocks.append(_section(words.code_hint))
    blocks.append(_context(" · ".join(_moment(each) for each in words.moments)))
    blocks.append({"type": "context", "elements": [_plain(words.footer, FIELD_LIMIT)]})
    return blocks


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
        return escape.slack(f"{moment.name} {moment.text}", 200)
    unix = int(moment.at.timestamp())
    return f"{moment.name} <!date^{unix}^{{date_short_pretty}} {{time_secs}}|{moment.utc}>" + (
        f" ({moment.utc})"
    )


def _actions(words: MessageWords) -> str:
    """Links, not buttons: without an interactivity URL a button shows the reader a warning."""
    return "   ·   ".join(
        f"<{escape.slack_url(action.url)}|{escape.slack(action.name, 75)}>"
        for action in words.actions
    )


def size_of(blocks: list[dict[str, Any]]) -> int:
    """Characters of text over all blocks."""
    return sum(
        len(part["text"])
        for block in blocks
        for part in [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
        if part
    )
