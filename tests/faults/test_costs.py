"""What the worst single things cost, in CPU time of this process, which a busy machine changes little.
`make figures` prints them; they stand in docs/operations/security.md."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.ingest.sources.sample_files import context
from tests.ingest.test_endpoint import alertmanager
from tocsin.ingest.kept import quoted
from tocsin.ingest.received_webhook import Declined
from tocsin.ingest.sources.kit.decode import InvalidPayload, read
from tocsin.ingest.sources.kit.evaluation import TooMuchAtOnce
from tocsin.ingest.sources.kit.fingerprint import fingerprint
from tocsin.ingest.sources.kit.mapping import compile_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.unpack import unpack

MEBIBYTE = 2**20


def read_whole(body: bytes) -> str:
    """Decoded, parsed and fingerprinted; what came of it."""
    source = SOURCES["alertmanager"]
    try:
        payload = read(body, "application/json").value
        signals = source.parse(payload, context())
        fingerprint(payload, source.volatile)
    except InvalidPayload as error:
        return error.faults[0].code
    return f"{len(signals)} alerts"


def unpacked(body: bytes) -> str:
    text = unpack(body, {"content-encoding": "gzip"}, MEBIBYTE)
    return text.problem if isinstance(text, Declined) else f"{len(text)} bytes"


def mapped(mapping: dict[str, Any], payload: Any, *, at_once: bool) -> Callable[[], str]:
    compiled, given = compile_mapping(mapping), context()
    given.at_once = at_once

    def work() -> str:
        try:
            (signal,) = compiled.signals(payload, given)
        except TooMuchAtOnce:
            return "given up"
        return ", ".join(signal.flags) or "read"

    return work


def many(what: bytes) -> bytes:
    return b"[" + b",".join([what] * ((MEBIBYTE - 2) // (len(what) + 1))) + b"]"


SEARCH = "list[?contains(to_string(@), 'x')]"
GREEDY = {"title": "|".join(["[@,@]"] * 30)}, {"title": "T"}
COSTLY = {"title": SEARCH, "metadata": SEARCH}, {"title": "T", "list": list(range(4_000))}
BODIES = {
    "a mebibyte of [],[],…": many(b"[]"),
    "a mebibyte of 1e308,…": many(b"1e308"),
    "numbers of 4,000 digits": many(b"9" * 4_000),
    "2,700 alerts of Alertmanager": alertmanager(2_700),
}
REFUSED = BODIES["a mebibyte of 1e308,…"][:65_536]
BOMB = gzip.compress(bytes(30 * MEBIBYTE))
WORK: dict[str, Callable[[], str]] = {
    **{name: lambda body=body: read_whole(body) for name, body in BODIES.items()},  # type: ignore[misc]
    "64 KiB of 1e308": lambda: read_whole(b"[" + b"1e308," * 10_900 + b"1]"),
    "64 KiB of a refused body, kept": lambda: f"{len(quoted(REFUSED))} bytes",
    "a bomb of 30 MiB": lambda: unpacked(BOMB),
    "a mapping that doubles, in the thread": mapped(*GREEDY, at_once=False),
    "the same on the event loop": mapped(*GREEDY, at_once=True),
    "a mapping that searches, in the thread": mapped(*COSTLY, at_once=False),
    "the same search on the event loop": mapped(*COSTLY, at_once=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WORK)
def test_what_it_costs(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    least, came = float("inf"), ""
    for _ in range(5):
        began = time.thread_time()
        came = WORK[what]()
        least = min(least, time.thread_time() - began)
    with capsys.disabled():
        print(f"\n{what}: {least * 1e3:.1f} ms of CPU time, {came}")
