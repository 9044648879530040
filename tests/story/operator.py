"""What people do with a hub, over its HTTP API alone: set up, look, act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.support.node import Answer, Node, eventually
from tests.support.workspace import Sender, Workspace

EVERY_EVENT = ["alerts.triggered", "alerts.acknowledged", "alerts.resolved", "alerts.closed"]


@dataclass(frozen=True)
class Operator:
    """Somebody at one node, with an API key."""

    node: Node
    workspace: Workspace
    key: str

    def api(self, method: str, path: str, document: Any = None) -> Answer:
        with self.node.client(self.key) as client:
            return client.api(method, path, document)

    def get(self, path: str) -> Any:
        answer = self.api("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def made(self, path: str, document: Any) -> dict[str, Any]:
        answer = self.api("POST", path, document)
        assert answer.status in (200, 201, 202), answer
        made: dict[str, Any] = answer.json()
        return made

    def changed(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = self.api("PATCH", path, fields)
        assert answer.status == 200, answer
        changed: dict[str, Any] = answer.json()
        return changed

    def destination(self, kind: str, **config: Any) -> dict[str, Any]:
        return self.made(
            "/alert-destinations", {"name": fresh(kind), "type": kind, "config": config}
        )

    def last_test(self, destination: dict[str, Any]) -> dict[str, Any]:
        shown: dict[str, Any] = self.get(f"/alert-destinations/{destination['id']}")["last_test"]
        return shown

    def story(self, *destinations: dict[str, Any], **rule: Any) -> Story:
        """An integration, and a rule by which these destinations are notified of its alerts."""
        integration = self.made("/integrations", {"name": fresh("tool"), "type": "generic"})
        profile = self.workspace.profile("generic", integration["webhook_secret"], {})
        made = self.made(
            "/alert-rules",
            {
                "name": fresh("rule"),
                "event_types": EVERY_EVENT,
                "matchers": [{"label": "source", "op": "=", "value": integration["name"]}],
                "destination_ids": [each["id"] for each in destinations],
                **rule,
            },
        )
        return Story(self, integration, made, Sender(integration["id"], profile))


@dataclass(frozen=True)
class Story:
    operator: Operator
    integration: dict[str, Any]
    rule: dict[str, Any]
    sender: Sender

    def post(self, external_id: str, *, node: Node | None = None, **fields: Any) -> str:
        """A webhook from the outside; the id of the alert."""
        document = {"title": f"Disk full on {external_id}", "id": external_id, "nonce": fresh("n")}
        with (node or self.operator.node).client() as client:
            answer = client.send(self.sender, {**document, "severity": "high", **fields})
        assert answer.status in (200, 201), answer
        alert_id: str = answer.json()["alert_id"]
        return alert_id

    def deliveries(self, alert_id: str) -> list[dict[str, Any]]:
        """What is pending for anybody because of the alert, in the order of its planning."""
        page = self.operator.get(f"/alert-deliveries?alert_id={alert_id}&limit=200")
        return sorted(page["items"], key=lambda each: str(each["id"]))

    def states(self, alert_id: str) -> list[tuple[str, str, str]]:
        return [
            (each["event_type"], each["status"], each["reason"])
            for each in self.deliveries(alert_id)
        ]

    def all_sent(self, alert_id: str, count: int) -> list[dict[str, Any]]:
        """Waits until this many messages are sent, which must be all there are."""
        eventually(
            lambda: [each["status"] for each in self.deliveries(alert_id)] == ["sent"] * count,
            f"{count} messages sent",
        )
        return self.deliveries(alert_id)

    def answers(self, alert_id: str) -> dict[str, tuple[bool, str]]:
        """Why each destination was notified or not: name → (was it notified, in which words)."""
        story = self.operator.get(f"/alerts/{alert_id}/explain")
        return {
            each["destination_name"]: (each["was_notified"], each["words"])
            for each in story["answers"]
        }


def fresh(name: str) -> str:
    return f"{name}-{uuid4().hex[-10:]}"
