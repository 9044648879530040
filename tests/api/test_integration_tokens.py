"""Several tokens per integration: each sender has its own, and each can be taken away."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.api.conftest import Hub
from tests.support.answers import Answer
from tocsin.ingest.token_uses import TokenUses
from tocsin.store.database import create_engine

BODY = {"alerts": [{"status": "firing", "labels": {"alertname": "Down"}}]}


@pytest.fixture
def sender(hub: Hub) -> Any:
    return hub.admin.made("/integrations", {"name": "prom", "type": "alertmanager"})


def _post(hub: Hub, sender: Any, token: str) -> Answer:
    outside = replace(hub.admin, base_url=hub.admin.base_url.removesuffix("/api/v1"), key=token)
    return outside.post(f"/webhooks/{sender['id']}", BODY)


def test_each_token_is_as_good_as_the_secret_until_it_is_revoked(hub: Hub, sender: Any) -> None:
    path = f"/integrations/{sender['id']}/tokens"
    first = hub.admin.made(path, {"label": "first"})
    second = hub.admin.made(path, {"label": "second"})

    for token in (sender["webhook_secret"], first["token"], second["token"]):
        assert _post(hub, sender, token).status in (200, 201)
    assert hub.admin.delete(f"{path}/{first['id']}").status == 204
    # In force at once: the commit of a webhook looks at the version of the configuration.
    assert _post(hub, sender, first["token"]).slug == "invalid-signature"
    assert _post(hub, sender, second["token"]).status == 200


def test_an_admin_sets_the_key_that_a_sender_has(hub: Hub, sender: Any) -> None:
    path = f"/integrations/{sender['id']}/tokens"
    made = hub.admin.made(path, {"label": "old", "token": "0123456789abcdef0123456789abcdef"})
    assert made["token"] == "0123456789abcdef0123456789abcdef"
    assert _post(hub, sender, made["token"]).status == 201

    again = hub.admin.post(path, {"label": "twice", "token": made["token"]})
    assert [fault["code"] for fault in again.json()["errors"]] == ["taken"]
    assert made["token"].encode() not in again.body
    short = hub.admin.post(path, {"label": "short", "token": "0123456789"})
    assert short.slug == "validation-failed"


def test_a_token_is_shown_once_and_kept_as_a_hash(hub: Hub, sender: Any) -> None:
    path = f"/integrations/{sender['id']}/tokens"
    made = hub.admin.made(path, {"label": "first"})
    assert made["token"].startswith(made["prefix"])
    for answer in (
        hub.admin.get(path),
        hub.admin.get(f"{path}/{made['id']}"),
        hub.admin.get("/audit-events", object_type="integration_token", object_id=made["id"]),
    ):
        assert made["token"].encode() not in answer.body
        assert answer.json() != {"items": [], "next_cursor": None}
    (row,) = hub.sql("SELECT * FROM integration_tokens WHERE id = %s", made["id"])
    assert made["token"] not in repr(row)


def test_only_an_admin_sees_or_makes_tokens(hub: Hub, sender: Any) -> None:
    path = f"/integrations/{sender['id']}/tokens"
    assert hub.responder.get(path).slug == "forbidden"
    assert hub.responder.post(path, {"label": "x"}).slug == "forbidden"


def test_a_token_belongs_to_its_integration(hub: Hub, sender: Any) -> None:
    made = hub.admin.made(f"/integrations/{sender['id']}/tokens", {"label": "first"})
    other = hub.admin.made("/integrations", {"name": "other", "type": "alertmanager"})
    path = f"/integrations/{other['id']}/tokens/{made['id']}"
    assert hub.admin.get(path).status == 404
    assert hub.admin.delete(path).status == 404
    assert _post(hub, other, made["token"]).slug == "invalid-signature"


def test_a_sender_that_signs_takes_no_token(hub: Hub) -> None:
    shop = hub.admin.made("/integrations", {"name": "shop", "type": "generic"})
    answer = hub.admin.post(f"/integrations/{shop['id']}/tokens", {"label": "x"})
    assert [fault["code"] for fault in answer.json()["errors"]] == ["signs"]


def test_what_is_deleted_leaves_no_token(hub: Hub, sender: Any) -> None:
    hub.admin.made(f"/integrations/{sender['id']}/tokens", {"label": "first"})
    assert hub.admin.delete(f"/integrations/{sender['id']}").status == 204
    assert hub.sql("SELECT * FROM integration_tokens") == []


def test_a_token_is_not_kept_with_what_it_came_with(hub: Hub, sender: Any) -> None:
    made = hub.admin.made(f"/integrations/{sender['id']}/tokens", {"label": "first"})
    outside = replace(hub.admin, base_url=hub.admin.base_url.removesuffix("/api/v1"), key=None)
    headers = {"Authorization": f"Bearer {made['token']}", "X-Original": f"/{made['token']}"}
    answer = outside.request(
        "POST", f"/webhooks/{sender['id']}", raw=json.dumps(BODY).encode(), headers=headers
    )
    assert answer.status == 201
    ((stored,),) = hub.sql("SELECT headers FROM webhook_deliveries")
    assert stored["authorization"] == "[redacted]"
    assert made["token"] not in json.dumps(stored)


def test_the_last_use_is_noted_without_changing_the_configuration(hub: Hub, sender: Any) -> None:
    made = hub.admin.made(f"/integrations/{sender['id']}/tokens", {"label": "first"})
    ((version,),) = hub.sql("SELECT version FROM configuration")
    at = datetime(2026, 1, 2, tzinfo=UTC)

    async def use() -> None:
        uses = TokenUses()
        uses.note(UUID(made["id"]), at)
        engine = create_engine(hub.database.url, pool_size=1)
        task = asyncio.create_task(uses.keep_writing(engine))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.dispose()

    asyncio.run(use())
    ((noted,),) = hub.sql("SELECT last_used_at FROM integration_tokens")
    assert noted == at
    assert hub.sql("SELECT version FROM configuration") == [(version,)]


def test_a_use_by_webhook_is_noted(hub: Hub, sender: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[UUID] = []
    monkeypatch.setattr(TokenUses, "note", lambda self, token_id, at: noted.append(token_id))
    made = hub.admin.made(f"/integrations/{sender['id']}/tokens", {"label": "first"})
    _post(hub, sender, sender["webhook_secret"])
    assert noted == []
    _post(hub, sender, made["token"])
    assert UUID(made["id"]) in noted


def write_down(hub: Hub, uses: TokenUses) -> None:
    async def run() -> None:
        engine = create_engine(hub.database.url, pool_size=1)
        task = asyncio.create_task(uses.keep_writing(engine))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await engine.dispose()

    asyncio.run(run())


def test_while_there_are_two_secrets_it_is_known_which_are_used(
    hub: Hub, sender: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[UUID, bool]] = []
    monkeypatch.setattr(
        TokenUses,
        "note_secret",
        lambda self, id, at, *, is_previous: noted.append((id, is_previous)),
    )
    path = f"/integrations/{sender['id']}"
    _post(hub, sender, sender["webhook_secret"])
    assert noted == [], "one secret alone costs nothing"
    assert hub.viewer.get(f"{path}/secrets").json() == {"current_used_at": None, "previous": None}
    rotated = hub.admin.made(f"{path}/rotate-secret", {"overlap_minutes": 60})
    _post(hub, sender, sender["webhook_secret"])
    _post(hub, sender, rotated["webhook_secret"])
    id = UUID(sender["id"])
    assert noted == [(id, True), (id, False)]


def test_the_last_use_of_two_secrets_is_told_and_forgotten_by_a_rotation(
    hub: Hub, sender: Any
) -> None:
    path, id = f"/integrations/{sender['id']}", UUID(sender["id"])
    hub.admin.made(f"{path}/rotate-secret", {"overlap_minutes": 60})
    ((version,),) = hub.sql("SELECT version FROM configuration")
    uses, at = TokenUses(), datetime(2026, 1, 2, tzinfo=UTC)
    uses.note_secret(id, at, is_previous=True)
    # Of an integration that was deleted meanwhile: the others are noted all the same.
    uses.note_secret(UUID(int=7), at, is_previous=False)
    write_down(hub, uses)
    uses.note_secret(id, at.replace(year=2025), is_previous=True)
    uses.note_secret(id, at.replace(month=3), is_previous=False)
    write_down(hub, uses)
    found = hub.viewer.get(f"{path}/secrets").json()
    assert found["current_used_at"] == "2026-03-02T00:00:00Z"
    assert found["previous"]["used_at"] == "2026-01-02T00:00:00Z", "never moved back"
    assert hub.sql("SELECT version FROM configuration") == [(version,)]
    hub.admin.made(f"{path}/rotate-secret", {"overlap_minutes": 60})
    again = hub.viewer.get(f"{path}/secrets").json()
    assert (again["current_used_at"], again["previous"]["used_at"]) == (None, None)
