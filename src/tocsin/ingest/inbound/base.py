"""Other products' APIs: a sender that is configured for another product needs only a new URL.

All of them go the road of a webhook: read the body within the limits, find the integration, verify,
parse by its source, commit in one batch with the others, answer. What differs is where the key is, what
the words and the status codes of the answers are. So a product is one file here with a class of three
parts:

    serves(path)        which addresses are its own
    find the key        in the header, the path or the body: `Request` has helpers, `Door.holder` and
                        `Door.sender` find the integration
    reply               in its words; `Door.take` gives the `Answer` of the commit, a value

What its requests *say* is a source like any other (`ingest/sources/<type>.py`), so that replay, previews
and the conformance tests read what is stored. Where the path says something (an alias, an action), the
product puts path and body into one document, which the source parses and the record keeps.

The next product (a ping of Healthchecks, say):

1. `ingest/sources/<type>.py` with its samples and page, as docs/sources/adding-a-source.md has it;
   besides `address` (what `webhook_url` shows) and, where a key alone names the integration,
   `found_by_key`;
2. `ingest/inbound/<product>.py` with the class, listed in `registry.py`;
3. its own words for each refusal: the tests of every product try all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Protocol
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from msgspec import Struct

from tocsin.access.api_keys import Principal
from tocsin.alerts.actions import Actions
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.heartbeats.pings import IncomingPing, PingAnswer
from tocsin.ingest.proof.scheme import decode_base64
from tocsin.ingest.proof.verify import Refused
from tocsin.ingest.received_webhook import Answer, Declined, Shown, Webhook
from tocsin.ingest.replies import Reply
from tocsin.ingest.senders import Sender
from tocsin.model import Fault, Secret
from tocsin.routing.rules import RoutingTable
from tocsin.store.database import Engine
from tocsin.store.tables import Heartbeat, HeartbeatStatus

JSON = (b"content-type", b"application/json")
_encode = msgspec.json.Encoder().encode


class Request(Struct):
    """One request, whole. `path`: unquoted; `raw_path`: as it was sent. `headers`: names in lower case,
    values as Latin-1 text. `body`: unpacked, in UTF-8."""

    method: str
    path: str
    raw_path: str
    query_string: str
    headers: dict[str, str]
    body: bytes
    received_at: datetime
    client: str

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query_string, keep_blank_values=True)

    def first(self, name: str) -> str | None:
        """The first value of a parameter in the query."""
        return next((value for given, value in self.query if given == name), None)

    def credentials(self, *schemes: str) -> Secret | None:
        """What stands after one of these schemes (in lower case) in `Authorization`; the password, for
        `basic`."""
        scheme, _, rest = self.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() not in schemes or not rest.strip():
            return None
        if scheme.lower() != "basic":
            return Secret(rest.strip().encode("latin-1"))
        try:
            _, colon, password = decode_base64(rest.strip()).partition(b":")
        except (ValueError, UnicodeEncodeError):
            return None
        return Secret(password) if colon and password else None


class SilenceView(Struct):
    """A silence as it is kept; each matcher has a `label`, an `op` and a `value`."""

    id: UUID
    matchers: list[dict[str, Any]]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    updated_at: datetime


class SilenceWish(Struct):
    """A silence as somebody wants it. `asked_start` may lie in the past, `starts_at` does not."""

    matchers: list[dict[str, str]]
    asked_start: datetime
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str


class Silences(Protocol):
    """The silences of a caller's workspace."""

    async def all(self, caller: Principal) -> Sequence[SilenceView]: ...

    async def create(
        self, caller: Principal, wish: SilenceWish, now: datetime
    ) -> UUID | list[Fault]:
        """Its id, or what is wrong with it."""
        ...

    async def change(
        self, caller: Principal, silence_id: UUID, wish: SilenceWish, now: datetime
    ) -> list[Fault]:
        """What is wrong with it, if anything is."""
        ...

    async def expire(self, caller: Principal, silence_id: UUID, now: datetime) -> None: ...


class HeartbeatView(NamedTuple):
    """A heartbeat as it is configured, and what is known of it: rows of their tables."""

    row: Heartbeat
    status: HeartbeatStatus


class Heartbeats(Protocol):
    """The heartbeats of the tenant that a sender is of. A `wish` has the fields of Tocsin's own API."""

    async def create(
        self, sender: Sender, wish: Mapping[str, Any], enabled: bool, now: datetime
    ) -> HeartbeatView | list[Fault] | None:
        """None: another has that name."""
        ...

    async def change(
        self,
        sender: Sender,
        name: str,
        wish: Mapping[str, Any],
        enabled: bool | None,
        now: datetime,
    ) -> HeartbeatView | list[Fault] | None:
        """None: there is none of that name."""
        ...

    async def delete(self, sender: Sender, name: str, now: datetime) -> HeartbeatView | None:
        """As it was; None: there is none of that name."""
        ...


class Door(Protocol):
    """What a product is given to work with."""

    @property
    def engine(self) -> Engine:
        """For what its clients read."""
        ...

    @property
    def silences(self) -> Silences: ...

    @property
    def heartbeats(self) -> Heartbeats: ...

    @property
    def actions(self) -> Actions:
        """What people do to alerts."""
        ...

    async def ping(self, incoming: IncomingPing) -> PingAnswer:
        """A ping of a heartbeat, on record or refused."""
        ...

    async def routing(self, workspace_id: UUID) -> RoutingTable:
        """What decides at this moment who is notified in a workspace."""
        ...

    async def on_call(self, workspace_id: UUID) -> OnCallBook:
        """Who can be paged in a workspace, and by which policies."""
        ...

    async def principal(self, key: Secret, at: datetime) -> Principal | None:
        """Whose API key it is."""
        ...

    async def sender(self, identifier: str) -> Sender | Declined:
        """The integration of an id in a path."""
        ...

    async def holder(self, source_type: str, key: Secret | None) -> Sender | None:
        """The integration of a kind that has this key."""
        ...

    def proves(self, sender: Sender, key: Secret | None, at: datetime) -> Refused | None:
        """Why a key does not let its bearer read what came through an integration; None if it does."""
        ...

    async def take(
        self, request: Request, sender: Sender, shown: Shown, document: Any = None
    ) -> tuple[Webhook | None, Answer]:
        """Verify, parse, commit. `document`: what the source is to parse, if not the body itself."""
        ...


class Product(Protocol):
    """One product's API."""

    name: ClassVar[str]

    def serves(self, path: str) -> bool:
        """Whether an address is its own."""
        ...

    async def reply(self, request: Request, door: Door) -> Reply:
        """What it answers to a request to such an address."""
        ...

    def failed(self, request: Request, refusal: Declined) -> Reply:
        """What it answers to a request that could not be read, or met a fault."""
        ...


def json_reply(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    more = tuple((name.encode(), value.encode()) for name, value in (headers or {}).items())
    return Reply(status, (JSON, *more), _encode(document))
