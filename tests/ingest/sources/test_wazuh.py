from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.sources.page_scripts import run, script_of
from tests.ingest.sources.sample_files import context, load, parse, utc
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.registry import SOURCES, idempotency_key
from tocsin.model import Severity, Signal, SignalKind

WAZUH = SOURCES["wazuh"]
ATTACK = load("wazuh/brute_force.json")
GONE = load("wazuh/agent_disconnected.json")


def one(payload: Any) -> Signal:
    (signal,) = WAZUH.parse(payload, context())
    return signal


def ruled(payload: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    return payload | {"rule": payload["rule"] | changed}


def test_an_alert() -> None:
    (signal,) = parse("wazuh/brute_force.json")
    assert (signal.kind, signal.external_id) == (SignalKind.TRIGGER, "wazuh-1/007/5712")
    assert signal.title == "sshd: brute force trying to get access to the system on web-3"
    assert signal.severity is Severity.MEDIUM
    assert signal.description == ATTACK["full_log"]
    assert signal.triggered_at == signal.occurred_at == utc(2026, 3, 1, 9, 0, 0, 123000)
    assert signal.labels == {
        "host": "web-3",
        "rule": "5712",
        "groups": "syslog,sshd,authentication_failures",
        "mitre": "T1110",
        "manager": "wazuh-1",
        "location": "/var/log/auth.log",
    }
    assert signal.metadata["source_ip"] == "198.51.100.9"
    assert signal.flags == ()


def test_the_same_rule_on_another_agent_is_another_alert() -> None:
    assert one(ATTACK | {"agent": {"id": "008"}}).external_id == "wazuh-1/008/5712"


def test_an_agent_that_comes_back_ends_what_its_going_opened() -> None:
    gone = one(GONE)
    assert (gone.kind, gone.external_id) == (SignalKind.TRIGGER, "wazuh-1/007/connection")
    assert one(ruled(GONE, {"id": "506"})).external_id == gone.external_id
    back = one(ruled(GONE, {"id": "503", "description": "Wazuh agent started."}))
    assert (back.kind, back.external_id) == (SignalKind.RESOLVE, gone.external_id)
    assert back.triggered_at is None


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        (16, Severity.CRITICAL),
        (15, Severity.CRITICAL),
        (14, Severity.HIGH),
        ("12", Severity.HIGH),
        (7, Severity.MEDIUM),
        (6, Severity.LOW),
        (3, Severity.INFO),
        (0, Severity.INFO),
        (None, None),
    ],
)
def test_levels(level: Any, severity: Severity | None) -> None:
    signal = one(ruled(ATTACK, {"level": level}))
    assert (signal.severity, signal.flags) == (severity, ())


def test_its_id_names_the_delivery() -> None:
    assert idempotency_key(WAZUH, {}, ATTACK) == "1772355600.418"


def test_doubts_and_faults() -> None:
    assert one(ruled(ATTACK, {"level": -1})).flags == ("unknown_severity",)
    assert one(ruled(ATTACK, {"level": "high"})).flags == ("unknown_severity",)
    nameless = one(ruled(ATTACK, {"description": None}) | {"agent": None})
    assert (nameless.title, nameless.flags) == ("Wazuh rule 5712", ("title_missing",))
    assert nameless.external_id == "wazuh-1/000/5712"
    for payload, pointer in (([], ""), ({}, "/rule"), ({"rule": {"level": 3}}, "/rule/id")):
        with pytest.raises(InvalidPayload) as caught:
            WAZUH.parse(payload, context())
        assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_the_script_of_the_page_posts_the_file_and_hides_the_secret(tmp_path: Path) -> None:
    url = "https://tocsin.example.com/webhooks/x"
    asked = run(script_of("wazuh"), tmp_path, "/tmp/custom-1.alert", "hidden", url)
    assert asked.config == 'header = "Authorization: Bearer hidden"\n'
    assert {"@/tmp/custom-1.alert", url} <= set(asked.arguments)
    assert not any("hidden" in argument for argument in asked.arguments)
