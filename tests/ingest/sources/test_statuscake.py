from __future__ import annotations

from urllib.parse import urlencode

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

CAKE = SOURCES["statuscake"]
DOWN = load("statuscake/down.json")


def test_down() -> None:
    (signal,) = parse("statuscake/down.json")
    assert (signal.kind, signal.external_id) == (
        SignalKind.TRIGGER,
        "Shop|https://shop.example.com/health",
    )
    assert (signal.title, signal.severity) == ("Shop", Severity.CRITICAL)
    assert signal.description == "status code 503"
    assert signal.labels == {
        "prod": "true",
        "severity": "critical",
        "url": "https://shop.example.com/health",
    }
    assert signal.flags == ()


def test_up_ends_it() -> None:
    (signal,) = parse("statuscake/up.json")
    assert (signal.kind, signal.external_id) == (
        SignalKind.RESOLVE,
        "Shop|https://shop.example.com/health",
    )


def test_a_form_reads_the_same() -> None:
    payload = decode(urlencode(DOWN).encode(), "application/x-www-form-urlencoded")
    assert CAKE.parse(payload, context()) == CAKE.parse(DOWN, context())


def test_the_token_is_not_kept_on_the_alert() -> None:
    (signal,) = parse("statuscake/down.json")
    assert DOWN["Token"] not in msgspec.json.encode(signal).decode()


def test_the_id_of_a_test_counts_most() -> None:
    assert CAKE.parse(DOWN | {"TestID": 12}, context())[0].external_id == "12"


def test_doubts_and_faults() -> None:
    assert CAKE.parse(DOWN | {"Status": "Odd"}, context())[0].flags == ("unknown_status",)
    (nameless,) = CAKE.parse({"URL": "https://a.example.com", "Status": "Down"}, context())
    assert (nameless.title, nameless.flags) == ("https://a.example.com", ("title_missing",))
    for payload, pointer in (({"Status": "Down"}, "/Name"), ("x", "")):
        with pytest.raises(InvalidPayload) as caught:
            CAKE.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]
