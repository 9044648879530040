from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels import teams
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import card
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.registry import validate_config
from tocsin.delivery.outcome import Failed, Retry, Sent, Standing
from tocsin.message import Message
from tocsin.model import EventType, Severity

# What of the Adaptive Card schema we use, closed: an element or property outside it is a mistake.
_TEXT = {
    "size": {"enum": ["Small", "Default", "Medium", "Large", "ExtraLarge"]},
    "weight": {"enum": ["Lighter", "Default", "Bolder"]},
    "isSubtle": {"type": "boolean"},
}
_SPACING = {"enum": ["None", "Small", "Default", "Medium", "Large", "ExtraLarge", "Padding"]}


def _element(kind: str, required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "type": {"const": kind},
            "spacing": _SPACING,
            "separator": {"const": True},
            **properties,
        },
        "required": ["type", *required],
        "additionalProperties": False,
    }


SCHEMA: dict[str, Any] = {
    "$ref": "#/$defs/card",
    "$defs": {
        "text": {"type": "string", "minLength": 1},
        "open": _element(
            "Action.OpenUrl",
            ["url"],
            title={"$ref": "#/$defs/text"},
            url={"pattern": "^https?://"},
        ),
        "run": _element(
            "TextRun",
            ["text"],
            text={"$ref": "#/$defs/text"},
            selectAction={"$ref": "#/$defs/open"},
            color={"const": "Accent"},
            **_TEXT,
        ),
        "element": {
            "oneOf": [
                _element(
                    "TextBlock",
                    ["text", "wrap"],
                    text={"$ref": "#/$defs/text"},
                    wrap={"const": True},
                    **_TEXT,
                ),
                _element(
                    "RichTextBlock",
                    ["inlines"],
                    inlines={"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/run"}},
                ),
                _element(
                    "Container",
                    ["items"],
                    style={
                        "enum": ["default", "emphasis", "good", "attention", "warning", "accent"]
                    },
                    bleed={"type": "boolean"},
                    items={"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/element"}},
                ),
                _element(
                    "ActionSet",
                    ["actions"],
                    actions={
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 6,
                        "items": {"$ref": "#/$defs/open", "required": ["title"]},
                    },
                ),
                _element(
                    "ColumnSet",
                    ["columns"],
                    columns={"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/column"}},
                ),
            ]
        },
        "column": _element(
            "Column",
            ["items", "width"],
            width={"enum": [1, 2]},
            items={"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/element"}},
        ),
        "card": {
            "type": "object",
            "properties": {
                "$schema": {"const": "http://adaptivecards.io/schemas/adaptive-card.json"},
                "type": {"const": "AdaptiveCard"},
                "version": {"const": "1.2"},
                "lang": {"const": "en"},
                "fallbackText": {"$ref": "#/$defs/text"},
                "speak": {"$ref": "#/$defs/text"},
                "msteams": {"const": {"width": "Full"}},
                "body": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/element"}},
            },
            "required": ["type", "version", "body", "fallbackText", "lang"],
            "additionalProperties": False,
        },
    },
}


def render(message: Message, zone: str = "UTC") -> dict[str, Any]:
    return card.render(describe(message, ZoneInfo(zone), samples.links_for("on-call")))


def elements(value: Any, kind: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("type") == kind:
            yield value
        for each in value.values():
            yield from elements(each, kind)
    elif isinstance(value, list):
        for each in value:
            yield from elements(each, kind)


async def post(handler: receivers.Handler, **config: Any) -> tuple[Any, list[dict[str, Any]]]:
    async with receivers.http(handler) as it, services.outbound() as out:
        channel = teams.TeamsChannel(Parts(out))
        outcome = await channel.send(
            samples.message(),
            teams.TeamsConfig(url=f"{it.url}/x?sig=s", **config),
            samples.links_for,
            {},
        )
        return outcome, [json.loads(received.body) for received in it.received]


@pytest.mark.parametrize("event", list(EventType))
@pytest.mark.parametrize("severity", list(Severity))
def test_every_card_fits_the_schema(event: EventType, severity: Severity) -> None:
    message = samples.message(event, samples.alert(severity=severity))

    jsonschema.validate(render(message, "Europe/Berlin"), SCHEMA)


@pytest.mark.parametrize(
    "text",
    [samples.HOSTILE, samples.HUGE, "😀" * 100_000, '"\\' * 50_000, "line\n" * 20_000],
    ids=["hostile", "huge", "emoji", "quotes", "lines"],
)
def test_the_worst_still_fits_into_teams(text: str) -> None:
    worst = render(samples.message(about=samples.hostile(text)))

    jsonschema.validate(worst, SCHEMA)
    compact = json.dumps(worst, ensure_ascii=False, separators=(",", ":"))
    assert len(compact.encode()) <= 24_000
    # Teams counts the card as a string inside JSON, in which quotes and backslashes are escaped.
    assert len(json.dumps(compact, ensure_ascii=False).encode()) <= 28_000
    sets = [each["actions"] for each in worst["body"] if each["type"] == "ActionSet"]
    titles = [action["title"] for row in sets for action in row]
    assert titles == ["Acknowledge", "Resolve", "Open in Tocsin"]


def test_senders_texts_stand_only_where_no_markdown_is_read() -> None:
    whole = render(samples.message(about=samples.hostile()))

    for block in elements(whole, "TextBlock"):
        assert "everyone" not in block["text"]
        assert "evil" not in block["text"]
    assert not [run for run in elements(whole, "TextRun") if "{{" in run["text"]]
    assert "<script" not in whole["speak"]


def test_severity_is_a_word_and_not_only_a_colour() -> None:
    headings = [block["text"] for block in elements(render(samples.message()), "TextBlock")]

    assert headings[0] == "CRITICAL · triggered"


def test_without_a_zone_readers_get_their_own() -> None:
    texts = [block["text"] for block in elements(render(samples.message()), "TextBlock")]

    assert (
        "Since {{DATE(2026-11-21T20:58:15Z, SHORT)}} {{TIME(2026-11-21T20:58:15Z)}} "
        "(2026-11-21 20:58:15 UTC), just now" in texts
    )


async def test_accepted_is_not_posted() -> None:
    outcome, posted = await post(receivers.answer(202))

    assert isinstance(outcome, Sent)
    assert not outcome.confirmed
    assert "Accepted" in (outcome.message or "")
    [attachment] = posted[0]["attachments"]
    assert attachment["contentUrl"] is None
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert posted[0]["summary"] == "CRITICAL: Disk /var almost full on db1"


async def test_a_flow_that_answers_at_its_end_confirms() -> None:
    outcome, _ = await post(receivers.answer(200, "posted"))

    assert isinstance(outcome, Sent)
    assert outcome.confirmed


async def test_a_success_with_an_error_text_is_doubtful() -> None:
    outcome, _ = await post(receivers.answer(200, "Webhook message delivery failed with error"))

    assert isinstance(outcome, Sent)
    assert (outcome.confirmed, outcome.code) == (False, "accepted-with-error")


async def test_a_flow_made_by_hand_gets_the_bare_card() -> None:
    _, posted = await post(receivers.answer(202), payload="card")

    jsonschema.validate(posted[0], SCHEMA)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_flow_that_is_gone_disables_its_destination(status: int) -> None:
    outcome, _ = await post(receivers.answer(status))

    assert isinstance(outcome, Failed)
    assert outcome.disables_destination


async def test_a_throttled_flow_that_names_no_time_gets_fifteen_seconds() -> None:
    outcome, _ = await post(receivers.answer(429))

    assert isinstance(outcome, Retry)
    assert (outcome.retry_after, outcome.standing) == (15.0, Standing.THROTTLED)


def test_a_retired_connector_is_refused_with_advice() -> None:
    url = "https://contoso.webhook.office.com/webhookb2/x@y/IncomingWebhook/z/w"
    faults = validate_config("teams", {"url": url})

    assert isinstance(faults, list)
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/url", "teams-retired-connector")
    ]
    assert "workflow" in faults[0].message
