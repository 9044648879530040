"""Webhooks that Amazon SNS signed, at the endpoint: the one proof for which something is fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ingest.harness import Harness, harness
from tests.ingest.proof.signed_by_sns import CERTIFICATE_URL, certificate, message
from tests.ingest.test_endpoint import BareEndpoint
from tests.support.postgres import Database
from tests.support.workspace import Sender
from tocsin.model import utc_now

HEADERS = {"Content-Type": "text/plain; charset=UTF-8"}


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


def subscribed(opened: Harness) -> Sender:
    return opened.workspace.sender("aws_sns_cloudwatch", auth_scheme="sns")


def answering(opened: Harness, found: bytes | None) -> list[str]:
    """What is asked for from now on; every certificate is `found`."""
    asked: list[str] = []

    async def fetch(url: str) -> bytes | None:
        asked.append(url)
        return found

    opened.senders.signing_keys.use(fetch)
    return asked


def body(**changed: Any) -> bytes:
    return json.dumps(message(utc_now(), **changed)).encode()


def test_the_first_message_fetches_the_certificate_and_the_next_do_not(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened), subscribed(opened)
    asked = answering(opened, certificate())
    assert endpoint.post(sender.path, body(), HEADERS)[0] == 201
    status, _, answer = endpoint.post(sender.path, body(MessageId="m-2", Subject="again"), HEADERS)
    assert (status, answer["status"]) == (200, "updated")
    assert asked == [CERTIFICATE_URL]
    assert len(opened.workspace.alerts(sender)) == 1


def test_what_was_not_signed_by_it_is_401_and_makes_nothing(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened), subscribed(opened)
    answering(opened, certificate())
    forged = json.dumps(message(utc_now()) | {"Message": "something else"}).encode()
    status, _, problem = endpoint.post(sender.path, forged, HEADERS)
    assert (status, problem["type"]) == (401, "/problems/invalid-signature")
    status, _, problem = endpoint.post(sender.path, b"{}", HEADERS)
    assert (status, problem["type"]) == (401, "/problems/missing-signature")
    assert opened.workspace.alerts(sender) == []


def test_whoever_does_not_know_the_address_makes_it_fetch_nothing(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened), subscribed(opened)
    asked = answering(opened, certificate())
    assert endpoint.post(f"/webhooks/{sender.id}/guess", body(), HEADERS)[0] == 401
    assert endpoint.post(f"/webhooks/{sender.id}", body(), HEADERS)[0] == 401
    elsewhere = body(SigningCertURL="https://evil.example/a.pem")
    assert endpoint.post(sender.path, elsewhere, HEADERS)[0] == 401
    assert asked == []


def test_without_the_certificate_it_is_503_and_on_record(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened), subscribed(opened)
    answering(opened, None)
    status, headers, problem = endpoint.post(sender.path, body(), HEADERS)
    assert (status, problem["type"]) == (503, "/problems/signature-unchecked")
    assert int(headers["retry-after"]) > 0
    assert [each["status_code"] for each in opened.workspace.deliveries(sender)] == [503]
    assert opened.workspace.alerts(sender) == []


def test_nobody_waits_for_a_certificate_but_who_needs_it(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened), subscribed(opened)
    other = opened.workspace.sender()
    content = json.dumps({"title": "T"}).encode()

    async def main() -> None:
        arrived = asyncio.Event()

        async def fetch(url: str) -> bytes:
            await arrived.wait()
            return certificate()

        opened.senders.signing_keys.use(fetch)
        waiting = asyncio.create_task(endpoint.answer(sender.path, body(), HEADERS))
        status, _, _ = await endpoint.answer(other.path, content, other.headers(content))
        assert status == 201
        assert not waiting.done()
        arrived.set()
        assert (await waiting)[0] == 201

    opened.run(main())


SUBSCRIBE_URL = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"


def confirmation(url: str = SUBSCRIBE_URL) -> bytes:
    return body(Type="SubscriptionConfirmation", Subject=None, Token="t", SubscribeURL=url)


def test_a_confirmation_is_recorded_with_its_host(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened), subscribed(opened)
    asked = answering(opened, certificate())
    status, _, answer = endpoint.post(sender.path, confirmation(), HEADERS)
    assert (status, answer["status"]) == (200, "ignored")
    (kept,) = opened.workspace.deliveries(sender)
    assert kept["error_message"].endswith("at sns.eu-central-1.amazonaws.com")
    opened.run(asyncio.sleep(0.05))
    assert asked == [CERTIFICATE_URL]


def test_the_operator_may_have_it_confirmed(opened: Harness) -> None:
    endpoint, sender = BareEndpoint(opened, sns_confirm="yes"), subscribed(opened)
    asked = answering(opened, certificate())
    assert endpoint.post(sender.path, confirmation(), HEADERS)[0] == 200
    opened.run(asyncio.sleep(0.05))
    assert asked == [CERTIFICATE_URL, SUBSCRIBE_URL]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/?Action=ConfirmSubscription&Token=t",
        "https://sns.eu-central-1.amazonaws.com/?Action=Publish&Token=t",
        "http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
        "https://sns.eu-central-1.amazonaws.com@evil.example/?Action=ConfirmSubscription&Token=t",
    ],
)
def test_nothing_else_is_ever_opened(opened: Harness, url: str) -> None:
    endpoint, sender = BareEndpoint(opened, sns_confirm="yes"), subscribed(opened)
    other = opened.workspace.sender("aws_sns_cloudwatch")
    asked = answering(opened, certificate())
    assert endpoint.post(sender.path, confirmation(url), HEADERS)[0] == 200
    # Without a checked signature nobody says that it comes from SNS.
    assert endpoint.post(other.path, confirmation(), HEADERS)[0] == 200
    opened.run(asyncio.sleep(0.05))
    assert asked == [CERTIFICATE_URL]
