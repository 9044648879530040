"""One integration of Prometheus' as its clients see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.ingest.inbound.conftest import Outside
from tests.support.answers import Answer

ZERO = "0001-01-01T00:00:00.000Z"


def at(**offset: float) -> str:
    return (datetime.now(UTC) + timedelta(**offset)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def alert(name: str = "Down", *, ends: str | None = None, **labels: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": "critical", **labels},
        "annotations": {"summary": f"{name} it is"},
        "startsAt": at(minutes=-5),
        "endsAt": ends or at(minutes=4),
        "generatorURL": "http://prometheus/graph",
    }


class Api:
    """One integration, its token, and an API key of somebody who responds."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.integration = outside.integration("prometheus")
        self.token: str = self.integration["webhook_secret"]
        self.base = f"/am/{self.integration['id']}"
        self.key = str(outside.hub.responder.key)

    def post(self, *alerts: Any, key: str | None = None, **more: Any) -> Answer:
        path = f"{self.base}/api/v2/alerts"
        return self.outside.request("POST", path, list(alerts), key=key or self.token, **more)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.read(path, **query)
        assert answer.status == 200, answer
        return answer.json()

    def read(self, path: str, **query: Any) -> Answer:
        url = f"{self.base}/api/v2/{path}"
        return self.outside.request("GET", url, key=self.key, query=query)

    def names(self, **query: Any) -> list[str]:
        return sorted(each["labels"]["alertname"] for each in self.get("alerts", **query))

    def silence(self, *matchers: Any, **changed: Any) -> Answer:
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": is_regex}
                for name, value, is_regex in matchers
            ],
            "startsAt": at(),
            "endsAt": at(hours=1),
            "createdBy": "ada",
            "comment": "patching",
            **changed,
        }
        return self.outside.request("POST", f"{self.base}/api/v2/silences", body, key=self.key)

    def statuses(self) -> list[str]:
        return [each["status"] for each in self.outside.alerts()]
