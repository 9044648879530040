from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels import slack
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit import escape, slack_blocks
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.delivery.channels.kit.slack_dialects import Dialect
from tocsin.delivery.channels.registry import validate_config
from tocsin.delivery.outcome import Failed, Retry, Sent
from tocsin.message import Message
from tocsin.model import EventType


def render(message: Message, zone: str = "UTC") -> dict[str, Any]:
    return slack_blocks.render(describe(message, ZoneInfo(zone), samples.links_for("on-call")))


def texts(payload: Any) -> Iterator[dict[str, Any]]:
    """Every text object."""
    if isinstance(payload, dict):
        if payload.get("type") in ("plain_text", "mrkdwn"):
            yield payload
        for value in payload.values():
            yield from texts(value)
    elif isinstance(payload, list):
        for value in payload:
            yield from texts(value)


async def post(
    handler: receivers.Handler, path: str = "/services/T/B/x"
) -> tuple[Any, list[dict[str, Any]]]:
    async with receivers.http(handler) as it, services.outbound() as out:
        channel = slack.SlackChannel(Parts(out))
        config = slack.SlackConfig(url=f"{it.url}{path}")
        outcome = await channel.send(samples.message(), config, samples.links_for, {})
        return outcome, [json.loads(received.body) for received in it.received]


@pytest.mark.parametrize(
    "text", ["&" * 100_000, "<" * 100_000, "😀" * 100_000, samples.HOSTILE, samples.HUGE]
)
def test_the_worst_stays_within_slacks_limits(text: str) -> None:
    payload = render(samples.message(about=samples.hostile(text)))

    blocks = payload["attachments"][0]["blocks"]
    assert len(blocks) <= 50
    assert len(payload["text"]) <= 4_000
    for block in blocks:
        assert len(block.get("fields", [])) <= 10
        assert len(block.get("elements", [])) <= 10
        for field in block.get("fields", []):
            assert 0 < len(field["text"]) <= 2_000
        if "text" in block:
            assert 0 < len(block["text"]["text"]) <= 3_000
    assert sum(len(each["text"]) for each in texts(payload)) + len(payload["text"]) <= 8_000
    json.dumps(payload, ensure_ascii=False).encode()


def test_senders_texts_stand_only_where_no_markup_is_read() -> None:
    payload = render(samples.message(about=samples.hostile()))

    markup = [each["text"] for each in texts(payload) if each["type"] == "mrkdwn"]
    assert not [text for text in markup if "channel" in text or "everyone" in text]
    assert payload["mrkdwn"] is False
    assert "<!" not in payload["text"]
    assert all(each["emoji"] is False for each in texts(payload) if each["type"] == "plain_text")


def test_an_entity_is_never_cut() -> None:
    for limit in range(1, 40):
        escaped = escape.slack("a&b<c>d&&&<<<", limit)
        assert len(escaped) <= limit
        assert escaped.count("&") == escaped.count(";")


def test_an_address_cannot_leave_its_link() -> None:
    assert escape.slack_url("https://x/?a=1|b>c d&e") == "https://x/?a=1%7Cb%3Ec%20d&amp;e"


def test_without_a_zone_readers_get_their_own() -> None:
    payload = json.dumps(render(samples.message()), ensure_ascii=False)

    assert "<!date^1795294695^{date_short_pretty} {time_secs}|2026-11-21 20:58:15 UTC>" in payload


def test_what_is_over_is_green_and_has_no_buttons() -> None:
    resolved = render(samples.message(EventType.RESOLVED))

    assert resolved["attachments"][0]["color"] == "#107C10"
    assert "Acknowledge" not in json.dumps(resolved)
    assert resolved["text"] == "CRITICAL · resolved: Disk /var almost full on db1"


async def test_blocks_that_slack_finds_fault_with_do_not_keep_the_page_back() -> None:
    async def picky(request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        if "attachments" in body:
            return web.Response(status=400, text="invalid_attachments")
        return web.Response(text="ok")

    outcome, posted = await post(picky)

    assert isinstance(outcome, Sent)
    assert "attachments" in posted[0]
    assert posted[1]["text"] == "CRITICAL: Disk /var almost full on db1"


@pytest.mark.parametrize("word", ["no_service", "channel_is_archived", "no_team"])
async def test_a_webhook_that_is_no_more_disables_its_destination(word: str) -> None:
    outcome, _ = await post(receivers.answer(404, word))

    assert isinstance(outcome, Failed)
    assert outcome.disables_destination
    assert word in outcome.message


async def test_a_web_page_is_no_success() -> None:
    outcome, _ = await post(receivers.answer(200, "<html>log in to the wifi</html>"))

    assert isinstance(outcome, Retry)
    assert "wifi" not in outcome.message


@pytest.mark.parametrize("path", ["/triggers/T0/1/x", "/workflows/T0/A0/1/x"])
async def test_a_workflow_gets_its_variables_and_its_answer_is_understood(path: str) -> None:
    answer = receivers.answer(200, '{"ok":true}', Content_Type="application/json")
    outcome, [body] = await post(answer, path)

    assert outcome == Sent(200)
    assert set(map(type, body.values())) == {str}
    assert body["title"] == "Disk /var almost full on db1"
    assert body["severity"] == "CRITICAL"
    assert "https://hub.example/a/ack-" in body["links"]


def test_all_variables_of_a_workflow_are_always_there() -> None:
    bodies = [
        slack_blocks.payload(
            describe(message, ZoneInfo("UTC"), samples.links_for("x")), Dialect.WORKFLOW
        )
        for message in (samples.message(), samples.message(EventType.TEST))
    ]

    assert bodies[0].keys() == bodies[1].keys()


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("ok", Sent),
        ('{"success":true}', Sent),
        ('{"ok":false,"error":"no_service"}', Failed),
        ('{"ok":false,"error":"S3CR3T"}', Failed),
        ("", Sent),
        ("thanks", Sent),
        ("[]", Sent),
        ("{", Sent),
    ],
)
async def test_a_server_like_slack_is_never_sent_the_same_again(
    said: str, outcome: type[Any]
) -> None:
    result, [body] = await post(receivers.answer(200, said), "/hooks/abc")

    assert isinstance(result, outcome)
    assert "S3CR3T" not in repr(result)
    if said in ("", "thanks", "[]", "{"):
        assert (result.confirmed, result.code) == (False, "answer-unexpected")
    [attached] = body["attachments"]
    assert "blocks" not in attached
    assert "https://hub.example/a/ack-" in attached["text"]
    assert {"title": "host", "value": "db1", "short": True} in attached["fields"]


def test_a_server_like_slack_reads_no_mention_in_a_senders_text() -> None:
    about = samples.hostile()
    words = describe(samples.message(about=about), ZoneInfo("UTC"), samples.links_for("x"))
    text = json.dumps(slack_blocks.payload(words, Dialect.COMPATIBLE), ensure_ascii=False)

    assert "@everyone" not in text
    assert "<!channel>" not in text


def test_a_page_of_slack_is_not_a_webhook() -> None:
    faults = validate_config("slack", {"url": "https://app.slack.com/client/T0/C0"})

    assert isinstance(faults, list)
    assert faults[0].pointer == "/url"
    assert "hooks.slack.com/services/" in faults[0].message
