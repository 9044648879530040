from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from tests.ingest.sources.sample_files import NOW
from tocsin.ingest.proof.sign import path_secret, sign
from tocsin.ingest.proof.verify import LiveSecret, Profile, Refused, Verified, verify
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import AuthScheme, Secret, SignatureAlgorithm, SignatureFormat, SignedContent

BODY = b'{"title": "x"}'
KEY = "correct horse battery staple"


def profile(*secrets: LiveSecret, **given: Any) -> Profile:
    return Profile(secrets=secrets or (LiveSecret(Secret(KEY)),), **given)


def hexdigest(content: bytes = BODY, key: str = KEY, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), content, algorithm).hexdigest()


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def check(profile: Profile, headers: dict[str, str], body: bytes = BODY, **given: Any) -> Any:
    outcome = verify(profile, lower(headers), body, given.pop("now", NOW), **given)
    return outcome.code if isinstance(outcome, Refused) else outcome.secret_index


HEADER = "X-Webhook-Signature"


def test_the_signature_of_the_raw_bytes_is_accepted() -> None:
    assert check(profile(), {HEADER: hexdigest()}) == 0


@pytest.mark.parametrize("body", [BODY + b" ", BODY.replace(b" ", b""), b""])
def test_any_other_bytes_are_not(body: bytes) -> None:
    assert check(profile(), {HEADER: hexdigest()}, body) == "invalid-signature"


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {"X-Other": hexdigest()}])
def test_no_signature_is_missing(headers: dict[str, str]) -> None:
    assert check(profile(), headers) == "missing-signature"


def test_hex_counts_in_either_case() -> None:
    assert check(profile(), {HEADER: hexdigest().upper()}) == 0


@pytest.mark.parametrize(
    "value",
    [
        "zz",
        "0" * 63,
        "0" * 65,
        "é" * 64,
        ",,,",
        " ",
        "sha256=",
        hexdigest()[:-2],
        hexdigest() + "00",
        "=" * 64,
        "\x00" * 64,
    ],
)
@pytest.mark.parametrize("form", list(SignatureFormat))
def test_a_malformed_signature_is_a_mismatch(value: str, form: SignatureFormat) -> None:
    assert check(profile(signature_format=form), {HEADER: value}) == "invalid-signature"


@settings(max_examples=200)
@given(
    value=st.text(max_size=200),
    form=st.sampled_from(list(SignatureFormat)),
    prefix=st.sampled_from([None, "sha256=", "v1=", "v1,", "HMAC "]),
    scheme=st.sampled_from([AuthScheme.HMAC, AuthScheme.TOKEN, AuthScheme.BASIC, AuthScheme.URL]),
)
def test_nothing_a_stranger_sends_verifies_or_raises(
    value: str, form: SignatureFormat, prefix: str | None, scheme: AuthScheme
) -> None:
    given_ = profile(signature_format=form, signature_prefix=prefix, auth_scheme=scheme)
    headers = {HEADER: value, "Authorization": value}
    outcome = check(given_, headers, path_secret=value)
    assert outcome in ("invalid-signature", "missing-signature")


@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_every_algorithm_agrees_with_the_standard_library(algorithm: SignatureAlgorithm) -> None:
    value = hexdigest(algorithm=algorithm.value)
    assert check(profile(signature_algorithm=algorithm), {HEADER: value}) == 0


@pytest.mark.parametrize("length", [1, 63, 64, 65, 127, 128, 129, 500])
@pytest.mark.parametrize("algorithm", list(SignatureAlgorithm))
def test_keys_around_the_block_size(length: int, algorithm: SignatureAlgorithm) -> None:
    key = "k" * length
    value = hexdigest(key=key, algorithm=algorithm.value)
    given_ = profile(LiveSecret(Secret(key)), signature_algorithm=algorithm)
    assert check(given_, {HEADER: value}) == 0


@given(key=st.binary(min_size=1, max_size=300), body=st.binary(max_size=300))
@settings(max_examples=50)
def test_keys_of_any_length_agree_with_the_standard_library(key: bytes, body: bytes) -> None:
    value = hmac.new(key, body, "sha512").hexdigest()
    given_ = Profile(
        secrets=(LiveSecret(Secret(key)),), signature_algorithm=SignatureAlgorithm.SHA512
    )
    assert check(given_, {HEADER: value}, body) == 0


@pytest.mark.parametrize("strip", [True, False])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_with_and_without_padding(strip: bool, alphabet: Any) -> None:
    value = alphabet(bytes.fromhex(hexdigest())).decode()
    value = value.rstrip("=") if strip else value
    assert check(profile(signature_format=SignatureFormat.BASE64), {HEADER: value}) == 0


WRONG = hexdigest(key="other")


@pytest.mark.parametrize(
    ("prefix", "value"),
    [
        ("sha256=", f"sha256={hexdigest()}"),
        ("v1=", f"v1={WRONG},v1={hexdigest()}"),
        ("v1=", f"v2=what, v1={WRONG} ,  v1={hexdigest()}"),
        ("v1,", f"v1,{WRONG} v1a,AAAA v1,{hexdigest()}"),
        ("v1,", f"v1,{WRONG}, v1,{hexdigest()}"),  # one header sent twice
        ("HMAC ", f"HMAC {hexdigest()}"),
        (None, f"{WRONG} {hexdigest()}"),
        (None, f"{WRONG},{hexdigest()}"),
        (None, f"{WRONG}, {hexdigest()}"),
    ],
)
def test_one_right_signature_of_several_is_enough(prefix: str | None, value: str) -> None:
    assert check(profile(signature_prefix=prefix), {HEADER: value}) == 0


@pytest.mark.parametrize(
    ("prefix", "value"),
    [
        ("sha256=", hexdigest()),
        ("v1=", f"v2={hexdigest()}"),
        ("v1,", f"v1a,{hexdigest()}"),
        (None, f"sha256={hexdigest()}"),
    ],
)
def test_an_unknown_version_is_skipped(prefix: str | None, value: str) -> None:
    assert check(profile(signature_prefix=prefix), {HEADER: value}) == "invalid-signature"


def test_at_most_ten_signatures_are_looked_at() -> None:
    given_ = profile(signature_prefix="v1=")
    nine = ",".join([f"v1={WRONG}"] * 9)
    unknown = ",".join(["v0=00"] * 50)
    assert check(given_, {HEADER: f"{unknown},{nine},v1={hexdigest()}"}) == 0
    assert check(given_, {HEADER: f"{nine},v1={WRONG},v1={hexdigest()}"}) == "invalid-signature"


def test_the_previous_secret_counts_until_it_expires() -> None:
    old = LiveSecret(Secret("old"), NOW + timedelta(seconds=1))
    given_ = profile(LiveSecret(Secret(KEY)), old)
    value = hexdigest(key="old")
    assert check(given_, {HEADER: value}) == 1
    assert check(given_, {HEADER: hexdigest()}) == 0
    assert check(given_, {HEADER: value}, now=NOW + timedelta(seconds=1)) == "invalid-signature"


STAMPED = {
    "signed_content": SignedContent.TIMESTAMP_COLON_BODY,
    "timestamp_header": "X-Timestamp",
}


def stamped(timestamp: str) -> dict[str, str]:
    return {HEADER: hexdigest(f"{timestamp}:".encode() + BODY), "X-Timestamp": timestamp}


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        (-300, 0),
        (300, 0),
        (0, 0),
        (-301, "stale-timestamp"),
        (301, "stale-timestamp"),
        (-(10**9), "stale-timestamp"),
    ],
)
def test_the_tolerance_reaches_both_ways_and_is_inclusive(offset: int, expected: Any) -> None:
    timestamp = str(int(NOW.timestamp()) + offset)
    assert check(profile(**STAMPED), stamped(timestamp)) == expected


def test_a_stale_timestamp_is_said_only_to_who_can_sign() -> None:
    headers = stamped("1000000000") | {HEADER: WRONG}
    assert check(profile(**STAMPED), headers) == "invalid-signature"


@pytest.mark.parametrize(
    "timestamp", ["1e9", "-5", "1772366400.0", "nan", " 1772366400", "\u0661", "9" * 40]
)
def test_a_timestamp_is_digits_only(timestamp: str) -> None:
    headers = {
        HEADER: hmac.new(KEY.encode(), f"{timestamp}:".encode() + BODY, "sha256").hexdigest(),
        "X-Timestamp": timestamp,
    }
    assert check(profile(**STAMPED), headers) == "invalid-signature"


def test_milliseconds_are_understood() -> None:
    assert check(profile(**STAMPED), stamped(f"{int(NOW.timestamp())}250")) == 0


def test_the_header_is_signed_as_received() -> None:
    timestamp = f"000{int(NOW.timestamp())}"[:12]
    assert check(profile(**STAMPED), stamped(timestamp)) == "stale-timestamp"
    zeros = f"0{int(NOW.timestamp())}"
    assert check(profile(**STAMPED), stamped(zeros)) == 0


def test_without_a_timestamp_there_is_nothing_to_verify() -> None:
    headers = stamped(str(int(NOW.timestamp())))
    del headers["X-Timestamp"]
    assert check(profile(**STAMPED), headers) == "missing-signature"


def test_an_unsigned_timestamp_is_not_looked_at() -> None:
    given_ = profile(timestamp_header="X-Timestamp")
    assert check(given_, {HEADER: hexdigest(), "X-Timestamp": "12"}) == 0


def test_standard_webhooks_agrees_with_the_reference_library() -> None:
    preset = SOURCES["standard_webhooks"].preset
    secret = preset.make_secret()
    given_ = from_preset("standard_webhooks", secret)
    value = Webhook(secret).sign("msg_1", NOW, BODY.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": value,
    }
    assert check(given_, headers) == 0
    svix = {name.replace("webhook-", "svix-"): value for name, value in headers.items()}
    assert check(given_, svix) == 0
    assert check(given_, svix | {"svix-id": "msg_2"}) == "invalid-signature"
    assert check(given_, {k: v for k, v in headers.items() if k != "webhook-id"}) == (
        "missing-signature"
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"Bearer {KEY}", 0),
        (f"bearer {KEY}", 0),
        (f"  Bearer   {KEY} ", 0),
        (KEY, "invalid-signature"),
        (f"Bearer {KEY}x", "invalid-signature"),
        (f"Bearer {KEY[:-1]}", "invalid-signature"),
        ("Bearer ", "invalid-signature"),
        ("Bearer", "invalid-signature"),
        (f"Basic {KEY}", "invalid-signature"),
        ("", "missing-signature"),
    ],
)
def test_a_token(value: str, expected: Any) -> None:
    given_ = profile(
        auth_scheme=AuthScheme.TOKEN, signature_header="Authorization", signature_prefix="Bearer "
    )
    assert check(given_, {"Authorization": value}) == expected


def test_a_token_may_be_any_text() -> None:
    given_ = profile(LiveSecret(Secret("Schlüssel, 鍵")), auth_scheme=AuthScheme.TOKEN)
    as_sent = "Schlüssel, 鍵".encode().decode("latin-1")
    assert check(given_, {HEADER: as_sent}) == 0


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (basic(f"anyone:{KEY}"), 0),
        (basic(f":{KEY}"), 0),
        (basic(f"a:b:{KEY}"), "invalid-signature"),
        (basic(KEY), "invalid-signature"),
        (basic("anyone:"), "invalid-signature"),
        ({"Authorization": "Basic %%%"}, "invalid-signature"),
        ({"Authorization": f"Bearer {KEY}"}, "invalid-signature"),
        ({}, "missing-signature"),
    ],
)
def test_basic(headers: dict[str, str], expected: Any) -> None:
    assert check(profile(auth_scheme=AuthScheme.BASIC), headers) == expected


def test_basic_with_a_user() -> None:
    given_ = profile(auth_scheme=AuthScheme.BASIC, username="ops")
    assert check(given_, basic(f"ops:{KEY}")) == 0
    assert check(given_, basic(f"other:{KEY}")) == "invalid-signature"


def test_the_secret_in_the_path() -> None:
    given_ = profile(auth_scheme=AuthScheme.URL)
    assert check(given_, {}, path_secret=KEY) == 0
    assert check(given_, {}, path_secret=KEY + "x") == "invalid-signature"
    assert check(given_, {}) == "missing-signature"


@pytest.mark.parametrize(
    ("given_", "words"),
    [
        ({"signed_content": SignedContent.TIMESTAMP_DOT_BODY}, "timestamp_header"),
        ({"signature_header": ""}, "signature_header"),
        ({"secret_encoding": "rot13"}, "secret_encoding"),
        ({"secret_encoding": "standard_webhooks"}, "whsec_"),
    ],
)
def test_what_cannot_verify_cannot_be_configured(given_: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        profile(LiveSecret(Secret("äöü%%%")), **given_)
    assert "äöü" not in str(error.value)


def test_an_empty_secret_is_refused() -> None:
    for scheme in AuthScheme:
        with pytest.raises(ValueError, match="empty"):
            profile(LiveSecret(Secret("")), auth_scheme=scheme)
    with pytest.raises(ValueError, match="empty"):
        from_preset("standard_webhooks", "whsec_")


def test_a_profile_shows_no_secret() -> None:
    given_ = profile()
    assert KEY not in repr(given_)
    assert hashlib.sha256(KEY.encode()).hexdigest() not in repr(given_)


def from_preset(type_: str, secret: str, **given: Any) -> Profile:
    preset = SOURCES[type_].preset
    fields = {name: getattr(preset, name) for name in preset.__dataclass_fields__}
    return Profile(secrets=(LiveSecret(Secret(secret)),), **(fields | given))


@pytest.mark.parametrize("type_", sorted(SOURCES))
@pytest.mark.parametrize("scheme", [None, *(s for s in AuthScheme if s is not AuthScheme.SNS)])
@pytest.mark.parametrize("content", [None, *SignedContent])
def test_what_we_sign_we_accept(
    type_: str, scheme: AuthScheme | None, content: SignedContent | None
) -> None:
    given: dict[str, Any] = {}
    if scheme is not None:
        given["auth_scheme"] = scheme
    if content is not None:
        given |= {"signed_content": content, "timestamp_header": "X-Stamp", "id_header": "X-Id"}
    made = from_preset(type_, SOURCES[type_].preset.make_secret(), **given)
    headers = sign(made, BODY, NOW, delivery_id="msg_1")
    assert check(made, headers, path_secret=path_secret(made)) == 0
    other = from_preset(type_, SOURCES[type_].preset.make_secret(), **given)
    assert check(other, headers, path_secret=path_secret(made)) == "invalid-signature"
    assert verify(made, lower(headers), BODY, NOW, path_secret=path_secret(made)) == Verified(0)


STRIPE = {
    "signed_content": SignedContent.TIMESTAMP_DOT_BODY,
    "signature_header": "X-Signature",
    "timestamp_header": "x-signature",
    "signature_prefix": "v1=",
}


def test_the_time_may_stand_beside_the_signature() -> None:
    at = int(NOW.timestamp())
    right = hexdigest(f"{at}.".encode() + BODY)
    for value in (
        f"t={at},v1={right}",
        f"t={at}, v1={WRONG}, v1={right},v0=abc",
        f"v1={right},t={at}",
    ):
        assert check(profile(**STRIPE), {"X-Signature": value}) == 0
    assert (
        check(profile(**STRIPE), {"X-Signature": f"t={at + 1},v1={right}"}) == "invalid-signature"
    )
    assert check(profile(**STRIPE), {"X-Signature": f"v1={right}"}) == "missing-signature"
    late = NOW + timedelta(seconds=301)
    answer = check(profile(**STRIPE), {"X-Signature": f"t={at},v1={right}"}, now=late)
    assert answer == "stale-timestamp"


def test_our_own_signer_writes_it_there_too() -> None:
    given_ = profile(**STRIPE)
    headers = sign(given_, BODY, NOW, delivery_id="d")
    assert list(headers) == ["X-Signature"]
    assert check(given_, headers) == 0
    assert given_.signed_time(lower(headers)) == str(int(NOW.timestamp()))


def test_a_secret_is_no_option_to_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(("-begins-like-one", "-so-does-this", "does-not"))
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: next(made))
    assert SOURCES["generic"].preset.make_secret() == "does-not"
