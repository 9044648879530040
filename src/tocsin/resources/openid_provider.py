"""The provider that says who people are: asked where it is, and what a code is worth.

What it is asked goes by the guarded way out. The operator has named the issuer, so its own host may be
in a private network, as a company's provider mostly is; what it names on other hosts may not, and
nothing reaches the metadata of a cloud.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit

from tocsin.access.openid import (
    Endpoints,
    Identity,
    NotSignedIn,
    SignInFlow,
    UnknownKey,
    authorization_url,
    end_session_url,
    read_id_token,
    read_identity,
    read_metadata,
    token_request,
)
from tocsin.delivery.outbound import AddressPolicy, Answer, NoAnswer, Outbound
from tocsin.model import Secret
from tocsin.settings import OpenIdProvider

Network = IPv4Network | IPv6Network

CALLBACK = "/login/openid/callback"
_PRIVATE: tuple[Network, ...] = tuple(
    ip_network(each)
    for each in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
_ANSWER_BYTES = 512 * 1024
"""Keys with their certificates, and tokens of people in hundreds of groups, are long."""
_ASKING_SECONDS = 8.0
_KNOWN_FOR = timedelta(hours=1)
_KEYS_AT_MOST_EVERY = timedelta(seconds=30)
"""A token may name any key at all: so often at most the provider is asked for new ones."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who came back, and the token that says so: with it they sign out there, too."""

    identity: Identity
    id_token: Secret


class OpenIdClient:
    """Enter `running` once per process and event loop."""

    def __init__(
        self, provider: OpenIdProvider, base_url: str, allowed: Sequence[Network] = ()
    ) -> None:
        self.provider = provider
        self.back = f"{base_url}{CALLBACK}"
        self._after = f"{base_url}/login"
        self._host = urlsplit(provider.issuer).hostname
        self._near = _outbound((*_PRIVATE, *allowed))
        self._far = _outbound(allowed)
        self._endpoints: tuple[Endpoints, datetime] | None = None
        self._keys: tuple[Any, datetime] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with self._near, self._far:
            yield

    async def address(self, flow: SignInFlow, now: datetime) -> str | NotSignedIn:
        """Where to send the browser."""
        endpoints = await self._where(now)
        if isinstance(endpoints, NotSignedIn):
            return endpoints
        provider = self.provider
        return authorization_url(endpoints, provider.client_id, provider.scopes, self.back, flow)

    async def end_session_address(self, id_token: Secret, now: datetime) -> str | None:
        """Where one signs out there; None if it has no such place, or cannot be asked now."""
        endpoints = await self._where(now)
        if isinstance(endpoints, NotSignedIn):
            return None
        return end_session_url(endpoints, self.provider.client_id, id_token, self._after)

    async def redeem(
        self, code: str, issuer: str | None, flow: SignInFlow, now: datetime
    ) -> SignedIn | NotSignedIn:
        """Who came back with this code; `issuer` is who the answer says it comes from."""
        endpoints = await self._where(now)
        if isinstance(endpoints, NotSignedIn):
            return endpoints
        if issuer != endpoints.issuer and (issuer is not None or endpoints.names_itself):
            return NotSignedIn(_NOT_VERIFIED, "the answer says that it comes from another issuer")
        tokens = await self._tokens(endpoints, code, flow)
        if isinstance(tokens, NotSignedIn):
            return tokens
        claims = await self._claims(tokens, endpoints, flow, now)
        if isinstance(claims, NotSignedIn):
            return claims
        identity = read_identity(
            claims,
            self.provider.groups_claim,
            takes_unverified_email=self.provider.takes_unverified_email,
        )
        if isinstance(identity, NotSignedIn):
            return identity
        return SignedIn(identity, Secret(tokens["id_token"]))

    async def _where(self, now: datetime) -> Endpoints | NotSignedIn:
        if self._endpoints is not None and self._endpoints[1] > now:
            return self._endpoints[0]
        issuer = self.provider.issuer
        document = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if isinstance(document, NotSignedIn):
            return document
        found = read_metadata(document, issuer)
        if isinstance(found, Endpoints):
            self._endpoints = found, now + _KNOWN_FOR
        return found

    async def _tokens(
        self, endpoints: Endpoints, code: str, flow: SignInFlow
    ) -> Mapping[str, Any] | NotSignedIn:
        body, headers = token_request(
            endpoints,
            self.provider.client_id,
            self.provider.client_secret,
            code=code,
            verifier=flow.verifier,
            back=self.back,
        )
        way = self._way(endpoints.token)
        document = self._document(await way.post(endpoints.token, body, headers))
        if isinstance(document, NotSignedIn):
            return document
        if not isinstance(document.get("id_token"), str):
            return NotSignedIn(_NOT_VERIFIED, "the token endpoint gave no id_token")
        return document

    async def _claims(
        self, tokens: Mapping[str, Any], endpoints: Endpoints, flow: SignInFlow, now: datetime
    ) -> Mapping[str, Any] | NotSignedIn:
        """Of the ID token, and of the userinfo endpoint where that says what the token leaves out."""
        access_token = tokens.get("access_token")
        if not isinstance(access_token, str):
            access_token = None
        claims: Mapping[str, Any] | NotSignedIn | None = None
        for is_again in (False, True):
            keys = await self._signing_keys(endpoints, now, is_again=is_again)
            if isinstance(keys, NotSignedIn):
                return keys
            try:
                claims = read_id_token(
                    tokens["id_token"],
                    keys,
                    endpoints,
                    self.provider.client_id,
                    nonce=flow.nonce,
                    access_token=access_token,
                    now=now,
                )
                break
            except UnknownKey:
                continue
        if claims is None:
            return NotSignedIn(_NOT_VERIFIED, "the ID token is signed with a key that nobody knows")
        if isinstance(claims, NotSignedIn) or endpoints.userinfo is None or access_token is None:
            return claims
        if "email" in claims and self.provider.groups_claim in claims:
            return claims
        more = await self._get(endpoints.userinfo, {"Authorization": f"Bearer {access_token}"})
        if isinstance(more, NotSignedIn):
            return more
        if more.get("sub") != claims["sub"]:
            return NotSignedIn(_NOT_VERIFIED, "the userinfo endpoint speaks of somebody else")
        return {**more, **claims}

    async def _signing_keys(
        self, endpoints: Endpoints, now: datetime, *, is_again: bool
    ) -> Mapping[str, Any] | NotSignedIn:
        if self._keys is not None:
            keys, since = self._keys
            is_fresh = now - since < (_KEYS_AT_MOST_EVERY if is_again else _KNOWN_FOR)
            if is_fresh:
                return keys  # type: ignore[no-any-return]
        document = await self._get(endpoints.keys)
        if not isinstance(document, NotSignedIn):
            self._keys = document, now
        return document

    async def _get(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any] | NotSignedIn:
        return self._document(await self._way(url).get(url, headers))

    def _way(self, url: str) -> Outbound:
        return self._near if urlsplit(url).hostname == self._host else self._far

    def _document(self, answer: Answer | NoAnswer) -> dict[str, Any] | NotSignedIn:
        name = self.provider.name
        if isinstance(answer, NoAnswer):
            return NotSignedIn(
                f"{name[:1].upper()}{name[1:]} cannot be reached just now. Try again in a moment.",
                f"the provider {answer.message}",
            )
        try:
            document = json.loads(answer.body) if answer.complete else None
        except ValueError:
            document = None
        if answer.status != 200 or not isinstance(document, dict):
            said = document.get("error") if isinstance(document, dict) else None
            return NotSignedIn(
                f"{name[:1].upper()}{name[1:]} did not take what it was asked. Begin again; if it "
                "stays so, whoever runs this installation finds more in the log.",
                f"the provider answered {answer.status}, error {said!r}",
            )
        return document


_NOT_VERIFIED = (
    "What the provider said of you could not be verified. Try again; if it stays so, whoever runs this "
    "installation finds more in the log."
)


def _outbound(allowed: Sequence[Network]) -> Outbound:
    return Outbound(AddressPolicy.of(allowed), timeout=_ASKING_SECONDS, answer_limit=_ANSWER_BYTES)
