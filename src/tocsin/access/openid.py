"""OpenID Connect, as one who relies on a provider: what is asked of it, and whether its answer holds.

Authorization code flow with PKCE (S256), state and nonce; pure but for the random numbers. Authlib knows
the protocol's claims, joserfc (its own base) the signatures. What does not hold is a `NotSignedIn`, in
words for whoever signs in and in others for the log: nothing that a provider or a link says is repeated
to a person.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from tocsin.model import Secret

FLOW_LASTS = timedelta(minutes=10)
"""From the button here to the way back; whoever takes longer begins again."""
LEEWAY_SECONDS = 60
"""Between their clock and ours."""
_ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""Only such as the provider alone can sign with: never `none`, never a secret that we share."""


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """Why nobody is signed in."""

    words: str
    cause: str
    """For the log."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is asked what, as it says itself."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    algorithms: tuple[str, ...]
    takes_basic: bool
    names_itself: bool
    """Whether it says who it is with each answer (RFC 9207)."""


@dataclass(frozen=True, slots=True)
class SignInFlow:
    """One way to the provider and back, kept by the browser, sealed."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    wanted: str
    """Where to go after signing in."""
    until: float

    def document(self) -> Secret:
        return Secret(json.dumps(asdict(self)))

    @classmethod
    def of(cls, document: Secret) -> SignInFlow:
        return cls(**json.loads(document.reveal()))

    def is_answered_by(self, state: str, now: datetime) -> bool:
        """Whether an answer with this state is to this question, and in time."""
        is_ours = hmac.compare_digest(self.state.encode(), state.encode("utf-8", "replace"))
        return is_ours and now.timestamp() <= self.until


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as the provider says. `groups` None: it says nothing of groups."""

    email: str
    name: str
    timezone: str | None
    groups: frozenset[str] | None


def begin_flow(wanted: str, now: datetime) -> SignInFlow:
    return SignInFlow(
        state=generate_token(43),
        nonce=generate_token(43),
        verifier=generate_token(64),
        wanted=wanted,
        until=(now + FLOW_LASTS).timestamp(),
    )


def read_metadata(document: Any, issuer: str) -> Endpoints | NotSignedIn:
    """What the provider of this name says of itself (OpenID Connect Discovery)."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        said = document.get("issuer") if isinstance(document, dict) else None
        return NotSignedIn(
            "The provider does not call itself what TOCSIN_OIDC_ISSUER says. Whoever runs this "
            "installation can fix it.",
            f"the issuer calls itself {said!r}, the setting says {issuer!r}",
        )
    addresses: dict[str, str | None] = {}
    for name, is_required in _ADDRESSES.items():
        value = document.get(name)
        if value is None and not is_required:
            addresses[name] = None
        elif not isinstance(value, str) or not _is_as_safe(value, issuer):
            return NotSignedIn(
                "The provider describes itself in a way that cannot be used. Whoever runs this "
                "installation finds more in the log.",
                f"its {name} is missing, or not as safe as the issuer's own address",
            )
        else:
            addresses[name] = value
    offered = document.get("id_token_signing_alg_values_supported") or ["RS256"]
    methods = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return Endpoints(
        issuer=issuer,
        authorization=addresses["authorization_endpoint"] or "",
        token=addresses["token_endpoint"] or "",
        keys=addresses["jwks_uri"] or "",
        userinfo=addresses["userinfo_endpoint"],
        end_session=addresses["end_session_endpoint"],
        algorithms=tuple(each for each in offered if each in _ALGORITHMS),
        takes_basic="client_secret_basic" in methods or "client_secret_post" not in methods,
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


_ADDRESSES = {
    "authorization_endpoint": True,
    "token_endpoint": True,
    "jwks_uri": True,
    "userinfo_endpoint": False,
    "end_session_endpoint": False,
}


def _is_as_safe(address: str, issuer: str) -> bool:
    """Over https:// too, where the issuer is."""
    url = urlsplit(address)
    allowed = ("https",) if issuer.startswith("https://") else ("https", "http")
    return url.scheme in allowed and bool(url.hostname)


def authorization_url(
    endpoints: Endpoints, client_id: str, scopes: str, back: str, flow: SignInFlow
) -> str:
    """Where the browser goes; the provider sends it to `back`."""
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": back,
        "scope": scopes,
        "state": flow.state,
        "nonce": flow.nonce,
        "code_challenge": create_s256_code_challenge(flow.verifier),
        "code_challenge_method": "S256",
    }
    return _with(endpoints.authorization, parameters)


def end_session_url(
    endpoints: Endpoints, client_id: str, id_token: Secret, back: str
) -> str | None:
    """Where somebody signs out there, too (RP-initiated logout); None if they cannot."""
    if endpoints.end_session is None:
        return None
    return _with(
        endpoints.end_session,
        {
            "id_token_hint": id_token.reveal_text(),
            "client_id": client_id,
            "post_logout_redirect_uri": back,
        },
    )


def _with(address: str, parameters: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(parameters)}"


def token_request(
    endpoints: Endpoints,
    client_id: str,
    client_secret: Secret | None,
    *,
    code: str,
    verifier: str,
    back: str,
) -> tuple[bytes, dict[str, str]]:
    """What is posted to the token endpoint: body and headers."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    if client_secret is None:
        form["client_id"] = client_id
    elif endpoints.takes_basic:
        # Both are encoded as in a form before they are joined (RFC 6749, 2.3.1).
        pair = f"{quote(client_id, safe='')}:{quote(client_secret.reveal_text(), safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client_id, "client_secret": client_secret.reveal_text()}
    return urlencode(form).encode(), headers


class UnknownKey(Exception):
    """The token was signed with a key that is not among these: the provider may have a new one."""


def read_id_token(
    token: str,
    keys: Any,
    endpoints: Endpoints,
    client_id: str,
    *,
    nonce: str,
    access_token: str | None,
    now: datetime,
) -> Mapping[str, Any] | NotSignedIn:
    """What the ID token says, if the provider signed it, for us, for this flow, and it is in force.

    Raises:
        UnknownKey: none of the keys has the name that the token gives.
    """
    try:
        decoded = jwt.decode(
            token,
            KeySet.import_key_set(keys),
            registry=JWSRegistry(algorithms=list(endpoints.algorithms), strict_check_header=False),
        )
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            {
                "iss": {"essential": True, "value": endpoints.issuer},
                "aud": {"essential": True, "value": client_id},
            },
            {"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except InvalidKeyIdError:
        raise UnknownKey from None
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The library's words name a claim or an algorithm, and no value.
        return NotSignedIn(
            "What the provider said of you could not be verified. Try again; if it stays so, whoever "
            "runs this installation finds more in the log.",
            f"ID token: {type(error).__name__}: {error}",
        )
    return dict(claims)


def read_identity(
    claims: Mapping[str, Any], groups_claim: str, *, takes_unverified_email: bool
) -> Identity | NotSignedIn:
    """Who the claims are about. An address that the provider calls unverified is nobody's; one of which
    it says nothing is taken only where the operator says so."""
    email = claims.get("email")
    if not isinstance(email, str) or not 3 <= len(email) <= 254 or "@" not in email[1:-1]:
        return NotSignedIn(
            "The provider does not say your mail address, by which you are known here.",
            "no claim `email`; is the scope `email` asked for, and allowed?",
        )
    verified = claims.get("email_verified")
    # Some say it as a word.
    is_verified = verified is True or verified == "true"
    if not is_verified and not (verified is None and takes_unverified_email):
        return NotSignedIn(
            "The provider has not verified your mail address. Verify it there, and sign in again.",
            f"email_verified is {verified!r}; see TOCSIN_OIDC_UNVERIFIED_EMAIL",
        )
    zone = claims.get("zoneinfo")
    return Identity(
        email=email,
        name=_name(claims, email),
        timezone=zone if isinstance(zone, str) else None,
        groups=_groups(claims.get(groups_claim)),
    )


def _name(claims: Mapping[str, Any], email: str) -> str:
    for claim in ("name", "preferred_username", "nickname"):
        value = claims.get(claim)
        if isinstance(value, str) and value.strip():
            return value.strip()[:100]
    return email.partition("@")[0][:100]


def _groups(value: Any) -> frozenset[str] | None:
    if isinstance(value, str):
        return frozenset({value})
    if isinstance(value, Sequence):
        return frozenset(each for each in value if isinstance(each, str))
    return None
