"""What a message says survives being stored, whichever version stored it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.delivery.channels import samples
from tocsin.message import Content, Message, Named, PayloadError, encode, read
from tocsin.model import EventType

# As the first version wrote it.
FIRST_VERSION = """
{"event_type": "alerts.acknowledged", "created_at": "2026-11-21T20:58:16.120000Z",
 "workspace": {"id": "01939c1e-0000-7000-8000-0000000000e1", "name": "Operations", "slug": "ops"},
 "tenant": {"id": "01939c1e-0000-7000-8000-0000000000b1", "name": "Acme Ltd", "slug": "acme"},
 "rule": {"id": "01939c1e-0000-7000-8000-0000000000f1", "name": "All critical"},
 "alert": {"id": "01939c1e-0000-7000-8000-0000000000a1",
           "workspace_id": "01939c1e-0000-7000-8000-0000000000e1",
           "tenant_id": "01939c1e-0000-7000-8000-0000000000b1",
           "integration_id": "01939c1e-0000-7000-8000-0000000000c1",
           "title": "Disk /var almost full on db1", "description": null, "severity": "CRITICAL",
           "status": "ACKNOWLEDGED", "source": "prometheus-production", "external_id": null,
           "triggered_at": "2026-11-21T20:58:15Z", "acknowledged_at": "2026-11-21T20:58:16.120000Z",
           "resolved_at": null, "closed_at": null, "metadata": {"value": 0.97, "deep": {"a": [1]}},
           "labels": {"host": "db1"}, "occurrence_count": 2,
           "last_received_at": "2026-11-21T20:58:15Z", "created_at": "2026-11-21T20:58:15Z",
           "updated_at": "2026-11-21T20:58:15Z"},
 "actor": "Ada"}
"""


def written(content: Content) -> dict[str, Any]:
    return dict(json.loads(encode(content)))


def reread(payload: dict[str, Any], **changes: Any) -> Message:
    row: dict[str, Any] = {
        "id": samples.DELIVERY_ID,
        "event_type": payload.get("event_type", "alerts.test"),
        "created_at": samples.AT,
        "attempt": 1,
        "at": samples.AT,
        "workspace": Named(samples.WORKSPACE_ID, "stands in", "in"),
        "destination_name": "on-call",
    }
    return read(payload, **(row | changes))


def test_what_the_first_version_stored_is_read_and_written_again_as_it_was() -> None:
    payload = json.loads(FIRST_VERSION)
    message = reread(payload)

    assert message.alert is not None
    assert message.alert.acknowledged_at == datetime(2026, 11, 21, 20, 58, 16, 120_000, UTC)
    assert (message.actor, message.note) == ("Ada", None)
    content = Content(
        event_type=message.event_type,
        created_at=datetime(2026, 11, 21, 20, 58, 16, 120_000, UTC),
        workspace=message.workspace,
        tenant=message.tenant,
        rule=message.rule,
        alert=message.alert,
        actor=message.actor,
    )
    assert written(content) == payload


def test_the_row_says_its_type_and_time() -> None:
    message = reread(json.loads(FIRST_VERSION), event_type="alerts.resolved")

    assert message.event_type is EventType.RESOLVED
    assert message.created_at == samples.AT


def test_a_test_says_no_alert_and_what_names_no_workspace_is_given_it() -> None:
    message = reread({})

    assert (message.tenant, message.rule, message.alert) == (None, None, None)
    assert message.workspace.name == "stands in"


@pytest.mark.parametrize(
    "damage",
    [
        {"alert": {"title": "S3CR3T"}},
        {"alert": "S3CR3T"},
        {"workspace": {"id": "S3CR3T", "name": "x"}},
        {"event_type": "S3CR3T"},
    ],
)
def test_what_cannot_be_read_says_so_without_values(damage: dict[str, Any]) -> None:
    with pytest.raises(PayloadError) as error:
        reread(json.loads(FIRST_VERSION) | damage)

    assert "S3CR3T" not in str(error.value)
    assert error.value.__cause__ is None


def test_the_document_holds_what_receivers_are_promised_and_no_more() -> None:
    document = samples.message().document()

    assert list(document) == [
        "id",
        "event_type",
        "created_at",
        "workspace",
        "tenant",
        "rule",
        "alert",
    ]
    assert document["id"] == str(samples.DELIVERY_ID)
    assert document["rule"] == {
        "id": "01939c1e-0000-7000-8000-0000000000f1",
        "name": "All critical",
    }
    assert document["alert"]["triggered_at"] == "2026-11-21T20:58:15Z"
    assert document["alert"]["workspace_id"] == document["workspace"]["id"]
