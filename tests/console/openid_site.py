"""A console beside a provider, and somebody who goes from one to the other and back."""

from __future__ import annotations

import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from tests.console.site import Site, running_site
from tests.support.openid import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, running_provider
from tests.support.postgres import Database
from tocsin.model import Role, Secret
from tocsin.settings import GroupRole

ROLES = (
    GroupRole("sre", Role.ADMIN, "default"),
    GroupRole("ops", Role.RESPONDER, "default"),
    GroupRole("guests", Role.VIEWER, "other"),
)


@dataclass(frozen=True)
class Place:
    """An address for one hub after the other, and a provider that knows it."""

    listener: socket.socket
    base_url: str
    provider: OpenIdProvider


@dataclass
class OpenIdSite:
    site: Site
    provider: OpenIdProvider


@contextmanager
def running_place(folder: Path, method: str = "client_secret_basic") -> Iterator[Place]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with running_provider(base_url, folder, method) as provider:
            yield Place(listener, base_url, provider)


@contextmanager
def running_openid_site(
    database: Database, folder: Path, place: Place, **settings: Any
) -> Iterator[OpenIdSite]:
    """At a provider that knows nobody yet."""
    place.provider.forget()
    known = {
        "public_url": place.base_url,
        "oidc_issuer": place.provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": Secret(CLIENT_SECRET),
        "oidc_name": "Example ID",
        "oidc_scopes": "openid email profile groups",
        "oidc_roles": ROLES,
        **settings,
    }
    with running_site(database, folder, settings=known, listener=place.listener.dup()) as site:
        yield OpenIdSite(site, place.provider)


class _KeepStatus(urllib.request.HTTPErrorProcessor):
    def http_response(self, request: Any, response: Any) -> Any:
        if response.status in (301, 302, 303, 307):
            return super().http_response(request, response)
        return response


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *given: Any) -> None:
        return None


@dataclass
class Person:
    """With one browser, which has no scripts."""

    base_url: str
    cookies: CookieJar = field(default_factory=CookieJar)
    url: str = ""
    page: str = ""

    def opens(self, address: str, form: dict[str, str] | None = None) -> str:
        """The words of the page at the end."""
        opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), _KeepStatus
        )
        request = urllib.request.Request(urljoin(self.url or self.base_url, address))
        if form is not None:
            request.data = urlencode(form).encode()
        with opener.open(request, timeout=30) as answer:
            self.url, self.page = answer.url, answer.read().decode()
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.page)).split())

    def begins(self) -> str:
        """The state with which the provider is asked."""
        opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies), _Stay, _KeepStatus
        )
        try:
            with opener.open(f"{self.base_url}/login/openid", timeout=30):
                raise AssertionError("not sent to the provider")
        except urllib.error.HTTPError as answer:
            return parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]

    def signs_in_as(self, name: str, begin: str = "/login/openid") -> str:
        """At the provider, saying yes to what it asks."""
        self.opens(f"{self.base_url}{begin}")
        assert 'name="login"' in self.page, self.page
        words = self._submits(login=name, password="any")
        return self._submits() if 'value="consent"' in self.page else words

    def _submits(self, **fields: str) -> str:
        found = re.search(r'action="([^"]+)"', self.page)
        assert found is not None, self.page
        hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', self.page))
        return self.opens(unescape(found[1]), {**hidden, **fields})
