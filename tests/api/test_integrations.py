from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tocsin.model import Secret

HUB_URL = "http://127.0.0.1:8480"
"""Where the settings of the tests' hub say that it listens."""


def test_a_source_presets_how_its_webhooks_are_signed(hub: Hub) -> None:
    made = hub.admin.made("/integrations", {"name": "gh", "type": "github"})
    assert made["signature_header"].lower() == "x-hub-signature-256"
    assert made["signature_prefix"] == "sha256="
    assert made["deduplication_window_minutes"] == 15
    assert made["default_severity"] == "HIGH"
    assert made["is_active"] is True
    assert made["webhook_url"] == f"{HUB_URL}/webhooks/{made['id']}"


def test_a_user_overrides_any_of_it(hub: Hub) -> None:
    made = hub.admin.made(
        "/integrations",
        {
            "name": "odd",
            "type": "generic",
            "signature_header": "X-Odd",
            "signature_algorithm": "sha512",
            "signature_format": "base64",
            "signature_prefix": "v0=",
            "signed_content": "timestamp:body",
            "timestamp_header": "X-Odd-Time",
            "timestamp_tolerance_seconds": 60,
            "deduplication_window_minutes": 5,
            "timezone": "Europe/Vienna",
            "mapping": {"title": "event.name", "severities": {"boom": "CRITICAL"}},
        },
    )
    assert made["signed_content"] == "timestamp:body"
    assert made["timezone"] == "Europe/Vienna"
    assert made["mapping"] == {"title": "event.name", "severities": {"boom": "CRITICAL"}}


def test_the_secret_is_shown_once_and_kept_encrypted(hub: Hub) -> None:
    made = hub.admin.made("/integrations", {"name": "shop", "type": "generic"})
    secret = made["webhook_secret"]
    assert len(secret) >= 43
    read = hub.admin.get(f"/integrations/{made['id']}")
    assert "webhook_secret" not in read.json()
    assert secret.encode() not in read.body
    ((sealed,),) = hub.sql("SELECT webhook_secret FROM integrations WHERE id = %s", made["id"])
    assert secret.encode() not in sealed
    assert hub.vault.open(sealed) == Secret(secret)


def test_a_secret_that_the_tool_dictates_is_taken(hub: Hub) -> None:
    body = {"name": "shop", "type": "generic", "webhook_secret": "given-by-the-tool"}
    assert hub.admin.made("/integrations", body)["webhook_secret"] == "given-by-the-tool"


def test_standard_webhooks_secrets_have_their_form(hub: Hub) -> None:
    made = hub.admin.made("/integrations", {"name": "sw", "type": "standard_webhooks"})
    prefix, _, rest = made["webhook_secret"].partition("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(rest)) == 32
    refused = hub.admin.post(
        "/integrations",
        {"name": "sw2", "type": "standard_webhooks", "webhook_secret": "no-base64-at-all!"},
    )
    assert refused.slug == "validation-failed"
    assert refused.json()["errors"][0]["pointer"] == "/webhook_secret"
    assert b"no-base64-at-all!" not in refused.body


def test_rotation_keeps_the_old_secret_for_the_overlap(hub: Hub) -> None:
    made = hub.admin.made("/integrations", {"name": "shop", "type": "generic"})
    before = datetime.now(UTC)
    rotated = hub.admin.made(f"/integrations/{made['id']}/rotate-secret", {"overlap_minutes": 60})
    assert rotated["webhook_secret"] != made["webhook_secret"]
    expiry = datetime.fromisoformat(rotated["previous_secret_expires_at"])
    assert timedelta(minutes=60) <= expiry - before < timedelta(minutes=61)
    ((current, previous),) = hub.sql(
        "SELECT webhook_secret, previous_webhook_secret FROM integrations WHERE id = %s", made["id"]
    )
    assert hub.vault.open(previous) == Secret(made["webhook_secret"])
    assert hub.vault.open(current) == Secret(rotated["webhook_secret"])


def test_rotation_defaults_to_a_day_and_can_be_at_once(hub: Hub) -> None:
    made = hub.admin.made("/integrations", {"name": "shop", "type": "generic"})
    before = datetime.now(UTC)
    answer = hub.admin.post(f"/integrations/{made['id']}/rotate-secret").json()
    expiry = datetime.fromisoformat(answer["previous_secret_expires_at"])
    assert timedelta(hours=24) <= expiry - before < timedelta(hours=25)
    answer = hub.admin.post(
        f"/integrations/{made['id']}/rotate-secret", {"overlap_minutes": 0}
    ).json()
    assert answer["previous_secret_expires_at"] is None


def test_the_secret_in_the_address_is_shown_only_with_the_secret(hub: Hub) -> None:
    made = hub.admin.made(
        "/integrations",
        {
            "name": "plain",
            "type": "generic",
            "auth_scheme": "url",
            "webhook_secret": "a/secret?of#the%tool",
        },
    )
    assert made["webhook_url"] == f"{HUB_URL}/webhooks/{made['id']}/a%2Fsecret%3Fof%23the%25tool"
    read = hub.admin.get(f"/integrations/{made['id']}").json()
    assert read["webhook_url"] == f"{HUB_URL}/webhooks/{made['id']}/[redacted]"


def test_a_topic_of_sns_may_be_signed_besides(hub: Hub) -> None:
    made = hub.admin.made(
        "/integrations", {"name": "topic", "type": "aws_sns_cloudwatch", "auth_scheme": "sns"}
    )
    assert made["webhook_url"] == f"{HUB_URL}/webhooks/{made['id']}/{made['webhook_secret']}"
    read = hub.admin.get(f"/integrations/{made['id']}").json()
    assert (read["auth_scheme"], read["webhook_url"]) == (
        "sns",
        f"{HUB_URL}/webhooks/{made['id']}/[redacted]",
    )


@pytest.mark.parametrize(
    ("fault", "pointer"),
    [
        ({"mapping": {"title": "a.["}}, "/mapping/title"),
        ({"mapping": {"labels": {"host": "nope("}}}, "/mapping/labels/host"),
        ({"mapping": {"severities": {"boom": "WORST"}}}, "/mapping/severities/boom"),
        ({"mapping": {"titel": "a"}}, "/mapping/titel"),
        ({"mapping": {"ignore": "a["}}, "/mapping/ignore"),
        ({"kinds": {"behoben": "resolved"}}, "/kinds/behoben"),
        ({"kinds": {str(number): "resolve" for number in range(1_001)}}, "/kinds"),
        ({"type": "github", "kinds": {"behoben": "resolve"}}, "/kinds"),
        ({"signed_content": "timestamp.body"}, "/timestamp_header"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"type": "carrier-pigeon"}, "/type"),
        ({"deduplication_window_minutes": -1}, "/deduplication_window_minutes"),
        ({"deduplication_window_minutes": 2**70}, "/deduplication_window_minutes"),
        ({"is_active": "yes"}, "/is_active"),
        ({"name": "with\u0000nul"}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"signature_header": "X Header"}, "/signature_header"),
        ({"auth_scheme": "sns"}, "/auth_scheme"),
    ],
)
def test_what_cannot_work_is_refused_field_by_field(
    hub: Hub, fault: dict[str, object], pointer: str
) -> None:
    answer = hub.admin.post("/integrations", {"name": "shop", "type": "generic", **fault})
    assert (answer.status, answer.slug) == (422, "validation-failed")
    assert any(each["pointer"].startswith(pointer) for each in answer.json()["errors"]), answer


def test_a_source_without_mapping_takes_none(hub: Hub) -> None:
    answer = hub.admin.post(
        "/integrations", {"name": "gh", "type": "github", "mapping": {"title": "a"}}
    )
    assert answer.json()["errors"][0]["pointer"] == "/mapping"


def test_every_kind_may_be_meant_by_a_word(hub: Hub) -> None:
    kinds = {each: each for each in ("trigger", "acknowledge", "unacknowledge", "resolve")}
    kinds |= {"update": "update", "ignore": "ignore"}
    asked = {"name": "shop", "type": "generic", "kinds": kinds, "mapping": {"kinds": kinds}}
    made = hub.admin.made("/integrations", asked)
    assert (made["kinds"], made["mapping"]["kinds"]) == (kinds, kinds)
    path = f"/integrations/{made['id']}"
    assert hub.admin.patch(path, {"kinds": None}).json()["kinds"] is None


def test_a_change_is_checked_as_a_whole(hub: Hub) -> None:
    made = past.integration(hub)
    path = f"/integrations/{made['id']}"
    refused = hub.admin.patch(path, {"signed_content": "timestamp.body"})
    assert refused.json()["errors"][0]["pointer"] == "/timestamp_header"
    assert hub.admin.get(path).json()["signed_content"] == "body"
    changed = hub.admin.patch(
        path, {"signed_content": "timestamp.body", "timestamp_header": "X-Time"}
    )
    assert changed.json()["timestamp_header"] == "X-Time"
    assert hub.admin.patch(path, {"mapping": None}).json()["mapping"] is None


def test_a_change_raises_the_configuration_version(hub: Hub) -> None:
    made = past.integration(hub)
    ((before,),) = hub.sql("SELECT version FROM configuration")
    hub.admin.patch(f"/integrations/{made['id']}", {"is_active": False})
    ((after,),) = hub.sql("SELECT version FROM configuration")
    assert after > before


def test_names_are_unique_in_their_workspace(hub: Hub) -> None:
    past.integration(hub)
    assert hub.admin.post("/integrations", {"name": "shop", "type": "generic"}).slug == "name-taken"
    assert hub.stranger.post("/integrations", {"name": "shop", "type": "generic"}).status == 201


def test_another_workspaces_tenant_is_not_there(hub: Hub) -> None:
    theirs = hub.stranger.made("/tenants", {"slug": "acme", "name": "Acme"})
    for tenant_id in (theirs["id"], str(uuid4())):
        body = {"name": "shop", "type": "generic", "tenant_id": tenant_id}
        refused = hub.admin.post("/integrations", body)
        assert (refused.status, refused.slug) == (404, "not-found")
        assert refused.json()["errors"][0]["pointer"] == "/tenant_id"


def test_history_goes_only_with_a_purge(hub: Hub) -> None:
    kept, gone = past.integration(hub, "kept"), past.integration(hub, "gone")
    for sender in (kept, gone):
        alert_id = past.alert(hub, sender)
        past.webhook_delivery(hub, sender, alert_id=alert_id)
    path = f"/integrations/{gone['id']}"
    assert hub.admin.delete(f"/integrations/{kept['id']}").status == 204
    assert hub.admin.delete(path, purge="true").status == 204
    assert hub.admin.get(path).status == 404
    for table, count in (("alerts", 1), ("alert_events", 1), ("webhook_deliveries", 1)):
        assert hub.sql(f"SELECT count(*) FROM {table}") == [(count,)]


def test_a_deleted_one_is_not_listed(hub: Hub) -> None:
    made = past.integration(hub)
    assert hub.admin.delete(f"/integrations/{made['id']}").status == 204
    assert hub.admin.get("/integrations").json() == {"items": [], "next_cursor": None}


def test_the_list_can_be_narrowed(hub: Hub) -> None:
    past.integration(hub, "one")
    past.integration(hub, "two", is_active=False)
    hub.admin.made("/integrations", {"name": "gh", "type": "github"})

    def names(**query: str) -> list[str]:
        return [item["name"] for item in hub.viewer.get("/integrations", **query).json()["items"]]

    assert names() == ["gh", "two", "one"]
    assert names(type="github") == ["gh"]
    assert names(is_active="false") == ["two"]
    assert hub.viewer.get("/integrations", is_actve="false").slug == "validation-failed"


def test_flapping_has_numbers_and_can_be_switched_off(hub: Hub) -> None:
    made = hub.admin.made("/integrations", {"name": "shop", "type": "generic"})
    path = f"/integrations/{made['id']}"
    default = {
        "half_life_minutes": 15,
        "start": 3,
        "stop": 1,
        "quiet_minutes": 10,
        "longest_minutes": 240,
        "digest_minutes": 30,
    }
    assert made["flapping"] == default
    assert hub.admin.patch(path, {"flapping": None}).json()["flapping"] is None
    assert hub.admin.patch(path, {"flapping": {"start": 5}}).json()["flapping"] == (
        default | {"start": 5}
    )
    assert hub.admin.patch(path, {"name": "shop 2"}).json()["flapping"]["start"] == 5
    for fault in ({"start": 1}, {"stop": 0}, {"half_life_minutes": 0}, {"other": 1}):
        assert hub.admin.patch(path, {"flapping": fault}).status == 422
    off = hub.admin.made("/integrations", {"name": "off", "type": "generic", "flapping": None})
    assert off["flapping"] is None
    audited = hub.admin.get("/audit-events").json()["items"]
    changes = [each for each in audited if each["object_id"] == made["id"]]
    assert any((each["after"] or {}).get("flapping") == default | {"start": 5} for each in changes)
