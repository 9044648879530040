"""A running console over a fresh database, people in it, and a browser without scripts."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.server import Client, serving
from tests.support.answers import Answer
from tests.support.postgres import Database
from tocsin import app
from tocsin.access.api_keys import create_api_key
from tocsin.access.links import LinkSigner
from tocsin.access.passwords import hash_password
from tocsin.access.sessions import LinkPurpose, begin_session, make_sign_in_link
from tocsin.access.vault import Vault
from tocsin.hub import Hub, ProcessRole
from tocsin.model import SYSTEM, Role, Secret, utc_now, uuid7
from tocsin.settings import Settings
from tocsin.store.database import create_engine
from tocsin.store.queries.workspaces import create_workspace, find_workspace
from tocsin.store.tables import Membership, User

Made = TypeVar("Made")

PASSWORD = "correct horse battery"
_HASHED: list[str] = []
"""What is kept of it: to hash it anew for each site takes as long as the site's start."""


@dataclass
class Browser:
    """Sends what a browser without scripts would; keeps cookies, follows see-others when told."""

    base_url: str
    cookie: str | None = None
    """Of the session."""
    said: str | None = None
    """The cookie by which one page tells the next what it did."""
    last: Answer | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    def get(self, path: str, **headers: str) -> Answer:
        return self._send("GET", path, None, headers)

    def submit(self, path: str, fields: dict[str, str] | Sequence[tuple[str, str]]) -> Answer:
        """With the token of the page that was got last, as its form would have."""
        pairs = list(fields.items()) if isinstance(fields, dict) else list(fields)
        token = self.token()
        if token is not None:
            pairs.insert(0, ("csrf_token", token))
        return self.post(path, pairs)

    def post(self, path: str, pairs: Sequence[tuple[str, str]], **headers: str) -> Answer:
        return self._send("POST", path, urlencode(pairs).encode(), headers)

    def token(self) -> str | None:
        body = self.last.body.decode() if self.last is not None else ""
        found = re.search(r'name="csrf-token" content="([0-9a-f]+)"', body)
        return None if found is None else found[1]

    def follow(self, answer: Answer) -> Answer:
        assert answer.status == 303, (answer.status, text_of(answer))
        return self.get(answer.headers["location"])

    def _send(self, method: str, path: str, body: bytes | None, more: dict[str, str]) -> Answer:
        url = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(str(url.hostname), url.port, timeout=30)
        headers = {**self.headers, **more}
        if cookies := [each for each in (self.cookie, self.said) if each]:
            headers["Cookie"] = "; ".join(cookies)
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = Answer.of(connection.getresponse())
        finally:
            connection.close()
        given = answer.headers.get("set-cookie", "").partition(";")[0]
        if given.startswith("tocsin_said"):
            self.said = given if given.partition("=")[2].strip('"') else None
        elif given:
            self.cookie = given
        if "text/html" in answer.headers.get("content-type", ""):
            self.last = answer
        return answer


def text_of(answer: Answer) -> str:
    """The words on a page."""
    text = re.sub(r"<(script|style|dialog)\b.*?</\1>", " ", answer.body.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@dataclass
class Site:
    database: Database
    base_url: str
    api: Client
    """An admin's key of the workspace `default`."""
    workspace_id: UUID
    other_workspace_id: UUID
    people: dict[str, UUID]
    signer: LinkSigner
    """Of the links of its messages."""
    stopped: Callable[[], AbstractContextManager[None]]
    """While it is entered, the server is away; then another one, at the same address."""

    def browser(self, name: str | None = None) -> Browser:
        """Signed in as this person, or as nobody."""
        browser = Browser(self.base_url)
        if name is not None:
            token = _run(_session(self.database.url, self.people[name]))
            browser.cookie = f"tocsin_session={token}"
        return browser

    def sign_in_link(self, purpose: LinkPurpose, name: str | None = None) -> str:
        user_id = None if name is None else self.people[name]
        return _run(_link(self.database.url, purpose, user_id))

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.connect() as connection:
            cursor = connection.execute(statement, parameters)
            return [] if cursor.description is None else cursor.fetchall()


@contextmanager
def running_site(
    database: Database,
    folder: Path,
    *,
    people: bool = True,
    settings: Mapping[str, Any] | None = None,
    listener: socket.socket | None = None,
    role: ProcessRole = ProcessRole.WEB,
) -> Iterator[Site]:
    """Ana is an admin, Ben a responder and Vera a viewer of `default`; Otto an admin of another. With
    `listener`, it is served there."""
    made = _run(_populate(database.url, people))
    keys = (Vault.new_key(),)
    known = Settings(data_dir=folder, body_timeout_seconds=3, spool_bytes=0, **(settings or {}))
    running = ExitStack()

    def start(on: socket.socket | None) -> str:
        hub = Hub.build(known, database.url, keys, role)
        served = serving(app.application(hub), lifespan="on", listener=on)
        return running.enter_context(served)

    with running:
        base_url = start(listener)
        address = urlsplit(base_url)

        @contextmanager
        def stopped() -> Iterator[None]:
            running.close()
            yield
            start(socket.create_server((str(address.hostname), int(address.port or 0))))

        yield Site(
            database,
            base_url,
            Client(f"{base_url}/api/v1", made.key),
            *made.ids,
            made.people,
            LinkSigner(keys),
            stopped,
        )


def _run(work: Coroutine[Any, Any, Made]) -> Made:
    """In a thread of its own: that of a test may have a running event loop (a browser's)."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass
class _Made:
    ids: tuple[UUID, UUID]
    key: str
    people: dict[str, UUID]


async def _populate(url: str, people: bool) -> _Made:
    engine = create_engine(url, pool_size=1)
    now = utc_now()
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            home = await find_workspace(session, "default")
            if home is None:
                home = await create_workspace(session, slug="default", name="Default", now=now)
            other = await create_workspace(session, slug="other", name="Other", now=now)
            _, key = await create_api_key(
                session, workspace_id=home.id, name="test", role=Role.ADMIN, actor=SYSTEM, now=now
            )
            made: dict[str, UUID] = {}
            if people:
                if not _HASHED:
                    _HASHED.append(await hash_password(Secret(PASSWORD)))
                for name, role, place in (
                    ("Ana", Role.ADMIN, home),
                    ("Ben", Role.RESPONDER, home),
                    ("Vera", Role.VIEWER, home),
                    ("Otto", Role.ADMIN, other),
                ):
                    person = User(
                        id=uuid7(),
                        email=f"{name.lower()}@example.com",
                        name=name,
                        password_hash=_HASHED[0],
                    )
                    session.add(person)
                    await session.flush()
                    session.add(
                        Membership(user_id=person.id, workspace_id=place.id, role=role.value)
                    )
                    made[name] = person.id
            return _Made((home.id, other.id), key.reveal_text(), made)
    finally:
        await engine.dispose()


async def _session(url: str, user_id: UUID) -> str:
    engine = create_engine(url, pool_size=1)
    try:
        async with AsyncSession(engine) as session, session.begin():
            token = await begin_session(session, user_id, "a test", utc_now())
            return token.reveal_text()
    finally:
        await engine.dispose()


async def _link(url: str, purpose: LinkPurpose, user_id: UUID | None) -> str:
    engine = create_engine(url, pool_size=1)
    try:
        async with AsyncSession(engine) as session, session.begin():
            token = await make_sign_in_link(session, purpose, user_id, utc_now())
            return f"/enter/{token.reveal_text()}"
    finally:
        await engine.dispose()
