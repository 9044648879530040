"""Pings in the forms of other products: what their addresses and words mean. Pure.

    Healthchecks    /ping/<token>[/start|/fail|/log|/<exit code>]       HEAD, GET, POST
                    /ping/<ping key>/<slug>[/start|…]
    Uptime Kuma     /api/push/<token>?status=up&msg=…                   any
    GoAlert         /api/v2/heartbeat/<token>, /v1/api/heartbeat/<token>    POST
    Grafana OnCall  /integrations/v1/<type>/<token>/heartbeat/          GET, POST

Each answers in that product's own words. References: healthchecks hc/api/views.py, hc/api/urls.py;
louislam/uptime-kuma server/routers/api-router.js; target/goalert heartbeat/, app/inithttp.go;
grafana/oncall engine/apps/integrations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from tocsin.heartbeats.beat import Ping, PingKind
from tocsin.heartbeats.pings import PingAnswer, PingRefusal

BODY_LIMIT: Final = 10_000
"""Bytes of a body that are kept."""

LARGEST_EXIT_CODE: Final = 255
RETRY_SECONDS: Final = 5

_WORDS: Final = {"start": PingKind.START, "fail": PingKind.FAIL, "log": PingKind.LOG}
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,100}", re.ASCII)
_SLUG: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class PingReply:
    status: int
    body: bytes
    headers: Headers = ()


class FormProblem(Enum):
    """What is wrong with a request before any heartbeat is looked for."""

    NOT_FOUND = "not found"
    WRONG_METHOD = "method not allowed"
    BAD_RUN_ID = "invalid uuid format"
    BAD_EXIT_CODE = "invalid exit code"


@dataclass(frozen=True, slots=True)
class PingRequest:
    """What a request asks for. `ping_key` and `slug` name a heartbeat where there is no `token`."""

    ping: Ping
    token: str | None = None
    ping_key: str | None = None
    slug: str | None = None
    message: str | None = None
    """Said in the address, not in the body."""


@dataclass(frozen=True, slots=True)
class PingForm:
    """One product's way. `read` gets the path below its prefix."""

    prefix: str
    methods: frozenset[str] | None
    """None: any."""
    read: Callable[[str, Mapping[str, str]], PingRequest | FormProblem]
    answer: Callable[[PingAnswer | FormProblem], PingReply]


def form_of(path: str) -> PingForm | None:
    """Whose form the address is in; None if it is no ping."""
    for form in FORMS:
        if path.startswith(form.prefix):
            return form
    return None


def understand_ping(
    form: PingForm, method: str, path: str, query: bytes
) -> PingRequest | FormProblem:
    if form.methods is not None and method not in form.methods:
        return FormProblem.WRONG_METHOD
    asked = dict(parse_qsl(query.decode("latin-1"), max_num_fields=20))
    return form.read(path[len(form.prefix) :], asked)


def _healthchecks(rest: str, query: Mapping[str, str]) -> PingRequest | FormProblem:
    parts = rest.split("/")
    run_id = None
    if (given := query.get("rid")) is not None:
        if not _UUID.fullmatch(given):
            return FormProblem.BAD_RUN_ID
        run_id = UUID(given)
    kind, exit_code = PingKind.SUCCESS, None
    if len(parts) > 1 and (parts[-1] in _WORDS or _is_number(parts[-1])):
        word = parts.pop()
        if word in _WORDS:
            kind = _WORDS[word]
        elif len(word) > 3 or int(word) > LARGEST_EXIT_CODE:
            return FormProblem.BAD_EXIT_CODE
        else:
            exit_code = int(word)
            kind = PingKind.FAIL if exit_code else PingKind.SUCCESS
    ping = Ping(kind, exit_code, run_id)
    match parts:
        case [token] if _TOKEN.fullmatch(token):
            return PingRequest(ping, token=token)
        case [key, slug] if _TOKEN.fullmatch(key) and _SLUG.fullmatch(slug):
            return PingRequest(ping, ping_key=key, slug=slug)
        case _:
            return FormProblem.NOT_FOUND


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _kuma(rest: str, query: Mapping[str, str]) -> PingRequest | FormProblem:
    kind = PingKind.SUCCESS if query.get("status", "up") == "up" else PingKind.FAIL
    return _by_token(rest, Ping(kind), query.get("msg"))


def _goalert(rest: str, query: Mapping[str, str]) -> PingRequest | FormProblem:
    return _by_token(rest.rstrip("/"), Ping(PingKind.SUCCESS))


def _oncall(rest: str, query: Mapping[str, str]) -> PingRequest | FormProblem:
    match rest.strip("/").split("/"):
        case [_, token, "heartbeat"]:
            return _by_token(token, Ping(PingKind.SUCCESS))
        case _:
            return FormProblem.NOT_FOUND


def _by_token(token: str, ping: Ping, message: str | None = None) -> PingRequest | FormProblem:
    if not _TOKEN.fullmatch(token):
        return FormProblem.NOT_FOUND
    return PingRequest(ping, token=token, message=message)


_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")
_OPEN: Final = (b"access-control-allow-origin", b"*")
_RETRY: Final = (b"retry-after", b"%d" % RETRY_SECONDS)

_STATUS: Final[Mapping[PingRefusal | FormProblem, int]] = {
    PingRefusal.UNKNOWN: 404,
    PingRefusal.UNAVAILABLE: 503,
    PingRefusal.OVERLOADED: 503,
    PingRefusal.FAULT: 500,
    FormProblem.NOT_FOUND: 404,
    FormProblem.WRONG_METHOD: 405,
    FormProblem.BAD_RUN_ID: 400,
    FormProblem.BAD_EXIT_CODE: 400,
}
_SAID: Final[Mapping[PingRefusal | FormProblem, bytes]] = {
    **{problem: problem.value.encode() for problem in FormProblem},
    PingRefusal.UNKNOWN: b"not found",
    PingRefusal.UNAVAILABLE: b"the database is away; try again",
    PingRefusal.OVERLOADED: b"too many pings wait; try again",
    PingRefusal.FAULT: b"a fault of this server; it is in its log",
}


def _refused(answer: PingRefusal | FormProblem, body: bytes, headers: Headers) -> PingReply:
    status = _STATUS[answer]
    return PingReply(status, body, (*headers, _RETRY) if status == 503 else headers)


def _in_text(accepted: bytes, *extra: tuple[bytes, bytes]) -> Callable[..., PingReply]:
    def answer(given: PingAnswer | FormProblem) -> PingReply:
        if isinstance(given, PingRefusal | FormProblem):
            return _refused(given, _SAID[given], (_TEXT, *extra))
        return PingReply(200, accepted, (_TEXT, *extra))

    return answer


def _in_kumas_words(given: PingAnswer | FormProblem) -> PingReply:
    if not isinstance(given, PingRefusal | FormProblem):
        return PingReply(200, b'{"ok":true}', (_JSON, _OPEN))
    said = _SAID[given]
    if _STATUS[given] == 404:
        said = b"Monitor not found or not active."
    return _refused(given, b'{"ok":false,"msg":"%s"}' % said, (_JSON, _OPEN))


FORMS: Final = (
    PingForm(
        "/ping/",
        frozenset({"HEAD", "GET", "POST"}),
        _healthchecks,
        _in_text(b"OK", _OPEN, (b"ping-body-limit", b"%d" % BODY_LIMIT)),
    ),
    PingForm("/api/push/", None, _kuma, _in_kumas_words),
    PingForm("/api/v2/heartbeat/", frozenset({"POST"}), _goalert, _in_text(b"")),
    PingForm("/v1/api/heartbeat/", frozenset({"POST"}), _goalert, _in_text(b"")),
    PingForm("/integrations/v1/", frozenset({"GET", "POST"}), _oncall, _in_text(b"")),
)
