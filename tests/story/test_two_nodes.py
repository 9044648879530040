"""What is configured at one node is in force on the other at once: the very next webhook goes by it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.node import Answer, Client, nodes
from tests.support.workspace import Sender, Workspace

ROUNDS = 8


@pytest.fixture(scope="module")
def ends(workspace: Workspace) -> Iterator[tuple[Client, Client]]:
    """An administrator at one node, a sender at another."""
    with (
        nodes(workspace.url, 2) as (one, other),
        one.client(workspace.api_key()) as admin,
        other.client() as client,
    ):
        yield admin, client


def did(answer: Answer) -> Any:
    assert answer.status in (200, 201, 204), answer
    return answer.json() if answer.body else None


def fresh(number: int) -> dict[str, Any]:
    return {"title": "Disk full", "description": str(number)}


def test_activation(workspace: Workspace, ends: tuple[Client, Client]) -> None:
    admin, client = ends
    sender = workspace.sender()
    for number in range(ROUNDS):
        did(admin.api("PATCH", f"/integrations/{sender.id}", {"is_active": False}))
        refused = client.send(sender, fresh(number))
        assert (refused.status, refused.slug) == (403, "integration-inactive")
        did(admin.api("PATCH", f"/integrations/{sender.id}", {"is_active": True}))
        assert client.send(sender, fresh(number)).status == 201
    assert len(workspace.alerts(sender)) == ROUNDS


def test_rotation(workspace: Workspace, ends: tuple[Client, Client]) -> None:
    admin, client = ends
    sender = workspace.sender(secret="the-first-secret")
    for number in range(ROUNDS):
        rotated = did(
            admin.api("POST", f"/integrations/{sender.id}/rotate-secret", {"overlap_minutes": 0})
        )
        profile = workspace.profile("generic", rotated["webhook_secret"], {})
        before, sender = sender, Sender(sender.id, profile)
        # The old one is refused first, or, in the next round, the new one is taken first.
        for signer, status in ((before, 401), (sender, 201))[:: 1 if number % 2 else -1]:
            assert client.send(signer, fresh(number)).status == status
    assert len(workspace.alerts(sender)) == ROUNDS


def test_a_new_integration_and_a_new_tenant(
    workspace: Workspace, ends: tuple[Client, Client]
) -> None:
    admin, client = ends
    for number in range(ROUNDS):
        made = did(admin.api("POST", "/integrations", {"name": f"n-{number}", "type": "generic"}))
        tenant = did(admin.api("POST", "/tenants", {"slug": f"t-{number}", "name": "T"}))
        sender = Sender(made["id"], workspace.profile("generic", made["webhook_secret"], {}))
        assert client.send(sender, {**fresh(number), "tenant": f"t-{number}"}).status == 201
        (row,) = workspace.alerts(sender)
        assert str(row["tenant_id"]) == tenant["id"]


def test_a_new_mapping(workspace: Workspace, ends: tuple[Client, Client]) -> None:
    admin, client = ends
    sender = workspace.sender()
    for number in range(ROUNDS):
        mapping = {"title": f"t{number}"}
        did(admin.api("PATCH", f"/integrations/{sender.id}", {"mapping": mapping}))
        assert client.send(sender, {f"t{number}": "Mapped"}).status == 201


def test_a_new_word(workspace: Workspace, ends: tuple[Client, Client]) -> None:
    admin, client = ends
    sender = workspace.sender()
    for number in range(ROUNDS):
        kinds = {f"word-{number}": "ignore"}
        did(admin.api("PATCH", f"/integrations/{sender.id}", {"kinds": kinds}))
        sent = client.send(sender, {**fresh(number), "status": f"word-{number}"})
        assert (sent.status, sent.json()["status"]) == (200, "ignored")


def test_a_deleted_integration(workspace: Workspace, ends: tuple[Client, Client]) -> None:
    admin, client = ends
    for number in range(ROUNDS):
        sender = workspace.sender()
        assert client.send(sender, fresh(number)).status == 201
        did(admin.api("DELETE", f"/integrations/{sender.id}?purge=true"))
        assert client.send(sender, fresh(number)).slug == "integration-not-found"
        assert (workspace.alerts(sender), workspace.deliveries(sender)) == ([], [])
