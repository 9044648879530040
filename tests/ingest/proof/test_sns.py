from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.proof.signed_by_sns import CERTIFICATE_URL, certificate, message
from tests.ingest.sources.sample_files import NOW
from tocsin.ingest.proof.scheme import LiveSecret, Profile
from tocsin.ingest.proof.sign import path_secret, sign
from tocsin.ingest.proof.signing_keys import SigningKeys
from tocsin.ingest.proof.sns import is_certificate_of_sns, public_key
from tocsin.ingest.proof.verify import INVALID, MISSING, STALE, UNCHECKED, Verified, verify
from tocsin.model import AuthScheme, Secret

SECRET = "a-secret-of-the-address"
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "Subject": None,
    "Token": "t",
    "SubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription",
}


def profile(keys: Any = None, **given_: Any) -> Profile:
    if keys is None:
        keys = {CERTIFICATE_URL: public_key(certificate())}
    secret = LiveSecret(Secret(SECRET))
    return Profile(auth_scheme=AuthScheme.SNS, secrets=(secret,), signing_keys=keys, **given_)


def check(document: Any, *, secret: str | None = SECRET, later: float = 0, **given_: Any) -> Any:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    now = NOW + timedelta(seconds=later)
    return verify(profile(**given_), {}, body, now, path_secret=secret)


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("changed", [{}, {"Subject": None}, {"Message": "ä\n€"}, CONFIRMATION])
def test_what_sns_signed_is_taken(version: str, changed: dict[str, Any]) -> None:
    assert check(message(NOW, version=version, **changed)) == Verified(0)


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "TopicArn"])
def test_whatever_was_changed_on_the_way_is_refused(name: str) -> None:
    signed = message(NOW)
    assert check(signed | {name: signed[name] + "x"}) == INVALID
    assert check(signed | {"Type": "UnsubscribeConfirmation"}) == INVALID
    assert check(signed | {"Type": "Something"}) == INVALID


@pytest.mark.parametrize(
    "changed",
    [
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"Signature": ""},
        {"Signature": "%%"},
        {"Signature": "AAAA"},
    ],
)
def test_another_signature_is_refused(changed: dict[str, str]) -> None:
    assert check(message(NOW) | changed) == INVALID


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b'{"Type": 1}', b"[" * 5_000])
def test_a_body_without_a_signature_is_missing_it(body: bytes) -> None:
    assert check(body) == MISSING
    assert check({k: v for k, v in message(NOW).items() if k != "Signature"}) == MISSING


def test_the_secret_in_the_address_is_asked_for_first() -> None:
    """SNS signs for anybody; whoever does not know the address learns nothing and costs nothing."""
    assert check(message(NOW), secret=None) == MISSING
    assert check(message(NOW), secret="wrong", keys={}) == INVALID
    assert path_secret(profile()) == SECRET


def test_a_key_that_is_not_known_yet_has_to_be_fetched() -> None:
    assert check(message(NOW), keys={}) == UNCHECKED


def test_a_message_is_good_for_as_long_as_sns_repeats_it() -> None:
    assert check(message(NOW), later=3_600) == Verified(0)
    assert check(message(NOW), later=4_000) == STALE
    assert check(message(NOW), later=-4_000) == STALE
    assert check(message(NOW), later=4_000, timestamp_tolerance_seconds=7_200) == Verified(0)
    assert check(message(NOW, Timestamp="some day")) == STALE


def test_nobody_else_can_sign_for_it() -> None:
    with pytest.raises(ValueError, match="only Amazon SNS"):
        sign(profile(), b"{}", NOW, delivery_id="d")


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
        "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
        "https://evil.example\\.sns.eu-central-1.amazonaws.com/a.pem",
        "https://sns.a.b.amazonaws.com/a.pem",
        "https://bucket.s3.amazonaws.com/a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.pem?b",
        "https://sns.eu-central-1.amazonaws.com/../a.pem",
        "https://sns.eu-central-1.amazonaws.com/a.txt",
        "https://sns.eu-central-1.amazonaws.com/a.pem\n",
        "https://sns.eu-central-1.amazonaws.com/" + "a" * 600 + ".pem",
    ],
)
def test_no_other_host_is_ever_asked_for_a_certificate(url: str) -> None:
    assert not is_certificate_of_sns(url)
    assert check(message(NOW, SigningCertURL=url), keys={}) == INVALID

    async def never(asked: str) -> bytes | None:
        raise AssertionError(asked)

    keys = SigningKeys()
    keys.use(never)
    assert asyncio.run(keys.learn(url)) is False


@given(st.text(max_size=80))
def test_no_text_makes_another_host(text: str) -> None:
    url = f"https://{text}.pem"
    if is_certificate_of_sns(url):
        assert url.split("/")[2].endswith((".amazonaws.com", ".amazonaws.com.cn"))


def test_china_has_hosts_of_its_own() -> None:
    assert is_certificate_of_sns("https://sns.cn-north-1.amazonaws.com.cn/a.pem")


async def test_a_certificate_is_fetched_once_for_all_who_ask() -> None:
    asked: list[str] = []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        await asyncio.sleep(0.01)
        return certificate()

    keys = SigningKeys()
    keys.use(fetch)
    assert all(await asyncio.gather(*(keys.learn(CERTIFICATE_URL) for _ in range(20))))
    assert await keys.learn(CERTIFICATE_URL)
    assert asked == [CERTIFICATE_URL]
    assert list(keys.known) == [CERTIFICATE_URL]


@pytest.mark.parametrize("found", [None, b"", b"no certificate"])
async def test_after_a_failure_nobody_asks_for_a_while(found: bytes | None) -> None:
    asked: list[str] = []

    async def fetch(url: str) -> bytes | None:
        asked.append(url)
        return found

    keys = SigningKeys()
    keys.use(fetch)
    assert [await keys.learn(CERTIFICATE_URL) for _ in range(5)] == [False] * 5
    assert len(asked) == 1


async def test_without_a_way_out_nothing_is_known() -> None:
    assert await SigningKeys().learn(CERTIFICATE_URL) is False
