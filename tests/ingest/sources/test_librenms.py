from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.ingest.sources.page_scripts import FORM
from tests.ingest.sources.sample_files import context, load, parse, utc
from tests.support.paths import DOCS
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Severity, Signal, SignalKind

LIBRENMS = SOURCES["librenms"]
ALERT = load("librenms/alert.json")


def one(changed: dict[str, Any], **given: Any) -> Signal:
    (signal,) = LIBRENMS.parse(ALERT | changed, context(**given))
    return signal


def test_an_alert() -> None:
    (signal,) = parse("librenms/alert.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "42")
    assert (signal.title, signal.severity) == ("Device down on sw-3", Severity.CRITICAL)
    assert signal.description == "No answer to ICMP"
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9)
    assert signal.labels == {
        "host": "sw-3",
        "rule": "Device down",
        "address": "192.0.2.3",
        "os": "ios",
        "device_type": "network",
        "location": "Oslo",
    }
    assert signal.metadata["runbook_url"] == "https://runbooks.example.com/device-down"
    assert signal.flags == ()


def test_its_recovery() -> None:
    (signal,) = parse("librenms/recovery.json")
    assert (signal.kind, signal.external_id) == (SignalKind.RESOLVE, "42")
    assert (signal.title, signal.severity) == ("Device down on sw-3", None)
    assert (signal.triggered_at, signal.occurred_at) == (None, utc(2026, 3, 1, 9, 30))


@pytest.mark.parametrize(
    ("state", "kind", "flags"),
    [
        ("2", SignalKind.ACKNOWLEDGE, ()),
        (2, SignalKind.ACKNOWLEDGE, ()),
        ("3", SignalKind.TRIGGER, ()),
        ("4", SignalKind.UPDATE, ()),
        ("5", SignalKind.UPDATE, ()),
        ("recovered", SignalKind.RESOLVE, ()),
        ("9", SignalKind.TRIGGER, ("unknown_status",)),
        ("{{ $state }}", SignalKind.TRIGGER, ("unknown_status",)),
    ],
)
def test_states(state: Any, kind: SignalKind, flags: tuple[str, ...]) -> None:
    signal = one({"state": state})
    assert (signal.kind, signal.flags) == (kind, flags)


def test_times_are_the_servers() -> None:
    assert one({}, zone="Europe/Oslo").triggered_at == utc(2026, 3, 1, 8)


def test_doubts_and_faults() -> None:
    assert one({"name": None}).title == "Alert for device sw-3 - Device down"
    nameless = one({"name": None, "title": None})
    assert (nameless.title, nameless.flags) == ("LibreNMS alert 42", ("title_missing",))
    assert one({"severity": "odd"}).flags == ("unknown_severity",)
    for payload, pointer in (([], ""), (ALERT | {"id": "{{ $id|url_encode }}"}, "/id")):
        with pytest.raises(InvalidPayload) as caught:
            LIBRENMS.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_template_of_the_page_is_what_is_read() -> None:
    page = (DOCS / "sources" / "librenms.md").read_text("utf-8")
    (template,) = re.findall(r"```text template\n(.*?)\n```", page, re.DOTALL)
    values = ALERT | {"msg": "50% & more\nof {{ it }}", "hardware": None}
    # As app/View/SimpleTemplate.php does it: what is empty stays empty.
    form = re.sub(
        r"\{\{ \$?([a-zA-Z0-9\-_.:]+)\|url_encode \}\}",
        lambda found: quote_plus(values.get(found[1]) or ""),
        template,
    )
    assert "{{" not in form
    (signal,) = LIBRENMS.parse(decode(form.encode(), FORM), context())
    (expected,) = LIBRENMS.parse(values, context())
    assert signal == expected
    assert signal.description == "50% & more\nof {{ it }}"
