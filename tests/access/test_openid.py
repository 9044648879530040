"""What is asked of a provider, and which of its answers hold. Pure."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from tocsin.access.group_roles import given_roles
from tocsin.access.openid import (
    Endpoints,
    Identity,
    NotSignedIn,
    SignInFlow,
    UnknownKey,
    begin_flow,
    read_id_token,
    read_identity,
    read_metadata,
    token_request,
)
from tocsin.model import Role, Secret
from tocsin.settings import GroupRole, SettingsError, load

ISSUER = "https://id.example.org"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RSA = RSAKey.generate_key(2048, {"kid": "one"})
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
    "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "ES256"],
}


def endpoints(**changed: Any) -> Endpoints:
    found = read_metadata({**DOCUMENT, **changed}, ISSUER)
    assert isinstance(found, Endpoints), found
    return found


def token(key: Any = RSA, alg: str = "RS256", kid: str = "one", **changed: Any) -> str:
    claims = {
        "iss": ISSUER,
        "sub": "1",
        "aud": "tocsin",
        "nonce": "n",
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=5)).timestamp()),
        **changed,
    }
    return jwt.encode(
        {"alg": alg, "kid": kid}, {k: v for k, v in claims.items() if v is not None}, key, [alg]
    )


def read(text: str, now: datetime = NOW) -> Any:
    keys = KeySet([RSA]).as_dict(private=False)
    return read_id_token(
        text, keys, endpoints(), "tocsin", nonce="n", access_token="access", now=now
    )


def test_a_token_that_holds() -> None:
    claims = read(token(email="ana@example.org", aud=["tocsin"], azp="tocsin"))
    assert claims["email"] == "ana@example.org"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"sub": None},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": "another", "azp": "tocsin"},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int((NOW - timedelta(minutes=2)).timestamp())},
        {"exp": None},
        {"at_hash": "AAAA"},
        {"nbf": int((NOW + timedelta(minutes=5)).timestamp())},
    ],
    ids=lambda changed: str(changed),
)
def test_a_token_that_does_not(changed: dict[str, Any]) -> None:
    assert isinstance(read(token(**changed)), NotSignedIn)


def test_a_token_signed_otherwise() -> None:
    header, body, _ = token().split(".")
    signed = f"{_part(_SHARED)}.{body}"
    tag = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
    assert isinstance(read(f"{signed}.{_part(tag)}"), NotSignedIn), (
        "with the public key as a secret"
    )
    none = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0"
    assert isinstance(read(f"{none}.{body}."), NotSignedIn)
    assert isinstance(read(f"{header}.{body}.AAAA"), NotSignedIn)
    assert isinstance(read("not a token"), NotSignedIn)
    other = RSAKey.generate_key(2048, {"kid": "one"})
    assert isinstance(read(token(other)), NotSignedIn)
    with pytest.raises(UnknownKey):
        read(token(kid="two"))


_SHARED = b'{"alg":"HS256","kid":"one"}'


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_keys_of_a_kind_that_is_not_known_are_passed_over() -> None:
    curve = ECKey.generate_key("P-256", {"kid": "two"})
    keys = KeySet([RSA, curve]).as_dict(private=False)
    keys["keys"].insert(0, {"kty": "PQC", "kid": "zero"})
    for key, alg, kid in ((RSA, "RS256", "one"), (curve, "ES256", "two")):
        claims = read_id_token(
            token(key, alg, kid),
            keys,
            endpoints(),
            "tocsin",
            nonce="n",
            access_token=None,
            now=NOW,
        )
        assert not isinstance(claims, NotSignedIn)


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://id.example.org/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"end_session_endpoint": 7},
    ],
)
def test_a_description_that_cannot_be_used(changed: dict[str, Any]) -> None:
    assert isinstance(read_metadata({**DOCUMENT, **changed}, ISSUER), NotSignedIn)
    assert isinstance(read_metadata(["no"], ISSUER), NotSignedIn)


def test_the_client_says_who_it_is_as_the_provider_takes_it() -> None:
    def asked(secret: str | None, methods: list[str] | None) -> tuple[bytes, dict[str, str]]:
        where = endpoints(token_endpoint_auth_methods_supported=methods)
        given = None if secret is None else Secret(secret)
        return token_request(where, "to csin", given, code="c", verifier="v", back="https://b")

    body, headers = asked("a+b", None)
    assert headers["Authorization"] == "Basic dG8lMjBjc2luOmElMkJi", "both encoded, then joined"
    assert b"secret" not in body
    body, headers = asked("a+b", ["client_secret_post"])
    assert "Authorization" not in headers
    assert b"client_secret=a%2Bb" in body
    body, headers = asked(None, None)
    assert b"client_id=to+csin" in body


def test_a_flow_is_answered_by_its_own_state_in_time() -> None:
    flow = SignInFlow.of(begin_flow("/alerts", NOW).document())
    assert flow.wanted == "/alerts"
    assert flow.is_answered_by(flow.state, NOW + timedelta(minutes=9))
    assert not flow.is_answered_by(flow.state, NOW + timedelta(minutes=11))
    assert not flow.is_answered_by("", NOW)
    assert flow.verifier not in repr(flow)


def test_who_the_claims_are_about() -> None:
    claims = {"email": "ana@example.org", "email_verified": "true", "groups": ["a", 1, "b"]}
    found = read_identity(claims, "groups", takes_unverified_email=False)
    assert found == Identity("ana@example.org", "ana", None, frozenset({"a", "b"}))
    one = read_identity({**claims, "groups": "sre"}, "groups", takes_unverified_email=False)
    assert isinstance(one, Identity)
    assert one.groups == {"sre"}
    said_no = {**claims, "email_verified": False}
    assert isinstance(read_identity(said_no, "groups", takes_unverified_email=True), NotSignedIn)
    del claims["email_verified"]
    assert isinstance(read_identity(claims, "groups", takes_unverified_email=False), NotSignedIn)
    assert isinstance(read_identity(claims, "groups", takes_unverified_email=True), Identity)


ROLES = "cn=sre,ou=g=admin@default, ops = responder@default,*=viewer@default,ops=viewer@acme"


def test_roles_by_group() -> None:
    settings = load(
        {
            "TOCSIN_OIDC_ISSUER": ISSUER,
            "TOCSIN_OIDC_CLIENT_ID": "tocsin",
            "TOCSIN_PUBLIC_URL": "https://tocsin.example.org",
            "TOCSIN_OIDC_ROLES": ROLES,
        }
    )
    entries = settings.oidc_roles
    assert entries[0] == GroupRole("cn=sre,ou=g", Role.ADMIN, "default")

    def given(*groups: str) -> dict[str, Role | None]:
        return dict(given_roles(entries, groups).roles)

    assert given() == {"default": Role.VIEWER, "acme": None}
    assert given("ops") == {"default": Role.RESPONDER, "acme": Role.VIEWER}
    assert given("ops", "cn=sre,ou=g") == {"default": Role.ADMIN, "acme": Role.VIEWER}
    assert given_roles(entries, None).roles == {"default": Role.VIEWER}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TOCSIN_OIDC_ISSUER": ISSUER}, "TOCSIN_OIDC_CLIENT_ID must be set together"),
        (
            {"TOCSIN_OIDC_ISSUER": ISSUER, "TOCSIN_OIDC_CLIENT_ID": "x"},
            "TOCSIN_PUBLIC_URL must be set",
        ),
        ({"TOCSIN_OIDC_ROLES": "sre=admin"}, "GROUP=ROLE@WORKSPACE"),
        ({"TOCSIN_OIDC_ROLES": "sre=owner@default"}, "viewer, responder, admin"),
        ({"TOCSIN_OIDC_SCOPES": "email"}, "must hold openid"),
        ({"TOCSIN_OIDC_ISSUER": "id.example.org"}, "must read https://"),
    ],
)
def test_settings_that_are_wrong(settings: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load(settings)
