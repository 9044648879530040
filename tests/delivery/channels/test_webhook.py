from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace
from standardwebhooks.webhooks import Webhook

from tests.delivery.channels import samples, services
from tests.support import receivers
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.registry import validate_config
from tocsin.delivery.channels.webhook import (
    BODY_LIMIT,
    WebhookChannel,
    WebhookConfig,
    new_secret,
    render,
    sign,
    signed_headers,
)
from tocsin.delivery.outcome import Failed
from tocsin.model import EventType


def test_the_body_is_the_documented_form() -> None:
    body = json.loads(render(samples.message()))

    assert list(body) == ["id", "event_type", "created_at", "workspace", "tenant", "rule", "alert"]
    assert body["id"] == str(samples.DELIVERY_ID)
    assert body["event_type"] == "alerts.triggered"
    assert body["created_at"] == "2026-11-21T20:58:16Z"
    assert body["workspace"]["slug"] == "ops"
    assert body["tenant"]["name"] == "Acme Ltd"
    assert body["rule"]["name"] == "All critical"
    assert body["alert"]["severity"] == "CRITICAL"
    assert body["alert"]["labels"] == {"host": "db1", "mountpoint": "/var", "team": "orders"}
    assert body["alert"]["acknowledged_at"] is None


def test_a_test_message_names_no_tenant_rule_or_alert() -> None:
    body = json.loads(render(samples.message(EventType.TEST)))

    assert (body["event_type"], body["tenant"], body["rule"], body["alert"]) == (
        "alerts.test",
        None,
        None,
        None,
    )


async def test_another_implementation_verifies_the_signature() -> None:
    secret = new_secret()

    async with receivers.http(receivers.answer(204)) as it, services.outbound() as out:
        channel = WebhookChannel(Parts(out))
        config = WebhookConfig(url=it.url, secret=secret)
        message = samples.message(at=datetime.now(UTC))
        await channel.send(message, config, samples.links_for, {})
        received = it.received[0]

    headers = {name.lower(): value for name, value in received.headers.items()}
    verified = Webhook(secret).verify(received.body, headers)
    assert verified["id"] == headers["webhook-id"] == str(samples.DELIVERY_ID)
    assert headers["content-type"] == "application/json"


def test_the_signature_is_the_specifications_example() -> None:
    """Known answer of the Standard Webhooks libraries."""
    signature = sign(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_time_and_signature_are_the_attempts_whatever_the_zone() -> None:
    message, secret = samples.message(), new_secret()
    body = render(message)
    here = samples.AT.astimezone(timezone(timedelta(hours=-5)))
    later = samples.AT + timedelta(minutes=5)

    first = signed_headers(secret, message, body)
    same = signed_headers(secret, replace(message, at=here), body)
    second = signed_headers(secret, replace(message, at=later), body)

    assert first == same
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300


def test_a_secret_is_made_of_thirty_two_random_bytes() -> None:
    first, second = (WebhookConfig(url="https://x.example/").secret for _ in range(2))

    assert first != second
    assert first.startswith("whsec_")
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_!!!", "whsec_" + "A" * 20])
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret: str) -> None:
    faults = validate_config("webhook", {"url": "https://x.example/", "secret": secret})

    assert isinstance(faults, list)
    assert [(fault.pointer, fault.code) for fault in faults] == [("/secret", "webhook-secret")]
    assert len(secret) < 7 or secret not in faults[0].message


async def test_gone_disables_the_destination() -> None:
    async with receivers.http(receivers.answer(410)) as it, services.outbound() as out:
        config = WebhookConfig(url=it.url)
        outcome = await WebhookChannel(Parts(out)).send(
            samples.message(), config, samples.links_for, {}
        )

    assert isinstance(outcome, Failed)
    assert outcome.disables_destination


def test_a_body_that_is_too_big_goes_without_what_makes_it_so() -> None:
    about = samples.alert(
        metadata={"dump": "x" * 200_000}, description="d" * 20_000, labels={"host": "db1"}
    )
    body = render(samples.message(about=about))

    alert = json.loads(body)["alert"]
    assert len(body) <= BODY_LIMIT
    assert alert["metadata"] == {"shortened": True}
    assert alert["labels"] == {"host": "db1"}
    assert len(alert["description"]) <= 1_000


def test_even_labels_do_not_break_the_limit() -> None:
    about = samples.alert(labels={f"label-{index}": "é" * 2_000 for index in range(60)})

    assert len(render(samples.message(about=about))) <= BODY_LIMIT


def test_times_are_utc_whatever_zone_they_came_in() -> None:
    tokyo = datetime(2026, 11, 22, 5, 58, 15, tzinfo=timezone(timedelta(hours=9)))
    body = json.loads(render(samples.message(about=samples.alert(triggered_at=tokyo))))

    assert body["alert"]["triggered_at"] == "2026-11-21T20:58:15Z"
