from __future__ import annotations

import msgspec
import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

CHECKS = SOURCES["healthchecks"]
CODE = "0a1b2c3d-0000-4000-8000-000000000009"


def test_down() -> None:
    (signal,) = parse("healthchecks/down.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, CODE)
    assert (signal.title, signal.severity) == ("Nightly backup", Severity.LOW)
    assert signal.description == "pg_dump to S3\n\nexit status 75"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {"prod": "true", "team": "storage", "severity": "low"}
    assert signal.metadata["grace"] == 3600
    assert signal.flags == ()


def test_up_ends_it() -> None:
    (signal,) = parse("healthchecks/up.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, CODE)
    assert signal.description == "pg_dump to S3"
    assert signal.occurred_at == utc(2026, 3, 1, 9, 30)


def test_no_address_that_pings_or_pauses_is_kept_on_the_alert() -> None:
    (signal,) = parse("healthchecks/down.json")
    assert "https://" not in msgspec.json.encode(signal).decode()


def test_the_check_in_quotes_and_a_variable_left_standing() -> None:
    (signal,) = parse("healthchecks/quoted_json.json")
    assert (signal.title, signal.description) == ("Nightly backup", "pg_dump to S3")


def test_a_bare_template_is_enough() -> None:
    (signal,) = CHECKS.parse({"code": "c", "status": "down", "check": "$JSON"}, context())
    assert (signal.external_id, signal.title) == ("c", "Check c")
    assert signal.flags == ("title_missing",)


def test_doubts_and_faults() -> None:
    odd = load("healthchecks/down.json") | {"status": "odd"}
    assert CHECKS.parse(odd, context())[0].flags == ("unknown_status",)
    for payload, pointer in (({"code": "$CODE"}, "/code"), ([], "")):
        with pytest.raises(InvalidPayload) as caught:
            CHECKS.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_a_body_of_nothing_but_the_check() -> None:
    (signal,) = parse("healthchecks/bare_check.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, CODE)
    assert (signal.title, signal.severity) == ("Nightly backup", Severity.LOW)
    assert signal.flags == ()
    assert "https://" not in msgspec.json.encode(signal).decode()
