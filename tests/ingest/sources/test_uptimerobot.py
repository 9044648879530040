from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, SignalKind

ROBOT = SOURCES["uptimerobot"]
DOWN = load("uptimerobot/down.json")


def test_down() -> None:
    (signal,) = parse("uptimerobot/down.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "784350744")
    assert (signal.title, signal.severity) == ("Shop", None)
    assert signal.description == "HTTP 502 - Bad Gateway"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {"url": "https://shop.example.com"}
    assert "alertDuration" not in signal.metadata
    assert signal.flags == ()


def test_up_says_when_it_began() -> None:
    (signal,) = parse("uptimerobot/up.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "784350744")
    assert (signal.triggered_at, signal.occurred_at) == (utc(2026, 3, 1, 9), utc(2026, 3, 1, 9, 30))


@pytest.mark.parametrize("duration", ["", "-5", "1.5", "9" * 9, "9" * 40, "²", None])
def test_an_odd_duration_says_nothing(duration: str | None) -> None:
    payload = load("uptimerobot/up.json") | {"alertDuration": duration}
    assert ROBOT.parse(payload, context())[0].triggered_at is None


def test_a_certificate_is_another_alert() -> None:
    (signal,) = parse("uptimerobot/certificate.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "784350744:ssl")
    assert (signal.title, signal.severity) == ("Certificate of Shop", Severity.MEDIUM)


def test_a_form_reads_the_same() -> None:
    body = urlencode(DOWN).encode()
    payload = decode(body, "application/x-www-form-urlencoded")
    assert ROBOT.parse(payload, context()) == ROBOT.parse(DOWN, context())


def test_the_word_counts_where_the_number_is_missing() -> None:
    up = DOWN | {"alertType": "*alertType*", "alertTypeFriendlyName": "Up"}
    assert ROBOT.parse(up, context())[0].kind is SignalKind.RESOLVE
    odd = DOWN | {"alertType": "77", "alertTypeFriendlyName": None}
    assert ROBOT.parse(odd, context())[0].flags == ("unknown_status",)


def test_without_a_monitor_it_is_refused() -> None:
    for payload, pointer in (({"monitorID": "*monitorID*"}, "/monitorID"), ([], "")):
        with pytest.raises(InvalidPayload) as caught:
            ROBOT.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_other_names_for_its_variables_and_no_id() -> None:
    (signal,) = parse("uptimerobot/other_names.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "https://shop.example.com")
    assert (signal.title, signal.description) == ("Shop", "HTTP 502 - Bad Gateway")
    assert signal.flags == ()
