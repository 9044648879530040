"""Slack's other webhooks, and the servers with an interface like Slack's.

A workflow (`/triggers/…`, `/workflows/…`) reads variables at the top of the body and knows no blocks.
One that it expects and does not find is an error, one that it does not expect is overlooked. Servers
with an interface like Slack's (Mattermost, Rocket.Chat) know attachments as they were before blocks.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from tocsin.delivery.channels.kit import escape
from tocsin.delivery.channels.kit.message_words import MessageWords
from tocsin.delivery.outbound import parse_url

TEXT_LIMIT = 1_000
_BODY_LIMIT = 4_000
_FIELDS = 20
_FIELD_LIMIT = 250


class Dialect(Enum):
    INCOMING_WEBHOOK = "incoming webhook"
    WORKFLOW = "workflow"
    COMPATIBLE = "compatible"

    @classmethod
    def of(cls, url: str) -> Dialect:
        """By the path: a user's own proxy before Slack has another host and the same path."""
        path = parse_url(url).path
        if path.startswith(("/triggers/", "/workflows/")):
            return cls.WORKFLOW
        return cls.INCOMING_WEBHOOK if path.startswith("/services/") else cls.COMPATIBLE


def variables(words: MessageWords) -> dict[str, str]:
    """For a workflow: always the same names, each a text, also where there is nothing to say."""
    return {
        "text": _readable(words.summary, TEXT_LIMIT),
        "title": _readable(words.title, TEXT_LIMIT),
        "severity": words.severity.value if words.severity else "",
        "state": words.state,
        "change": _readable(words.change, TEXT_LIMIT),
        "description": _readable(words.description or "", _BODY_LIMIT),
        "details": _readable(_details(words), _BODY_LIMIT),
        "links": "\n".join(f"{action.name}: {action.url}" for action in words.actions),
        "code": words.code or "",
        "reference": words.reference or "",
    }


def attachment(words: MessageWords, colour: str) -> dict[str, Any]:
    """For servers like Slack. They read markup in `text`, and which they read is not known."""
    parts = [words.change, *(f"{moment.name} {moment.aged}" for moment in words.moments)]
    text = _readable("\n".join((*parts, *filter(None, [words.lead]))), _BODY_LIMIT)
    links = " · ".join(
        f"<{escape.slack_url(action.url)}|{escape.slack(action.name, 75)}>"
        for action in words.actions
    )
    more = words.more_labels + max(len(words.rows) - _FIELDS, 0)
    tail = [links, words.code_hint or "", _readable(words.rest or "", _BODY_LIMIT)]
    tail.append(f"and {more} more labels" if more else "")
    return {
        "color": colour,
        "fallback": _readable(words.summary, TEXT_LIMIT),
        "text": "\n".join([text, *filter(None, tail)]),
        "fields": [
            {
                "title": _readable(fact.name, _FIELD_LIMIT),
                "value": _readable(fact.value or "–", _FIELD_LIMIT),
                "short": True,
            }
            for fact in words.rows[:_FIELDS]
        ],
        "footer": _readable(words.footer, _FIELD_LIMIT),
    }


def _details(words: MessageWords) -> str:
    details = [f"{moment.name}: {moment.aged}" for moment in words.moments]
    details += [f"{fact.name}: {fact.value}" for fact in words.rows]
    return "\n".join(details)


def _readable(text: str, limit: int) -> str:
    return escape.slack(escape.inert(text), limit)
