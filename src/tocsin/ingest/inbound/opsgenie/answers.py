"""Opsgenie's answers: each with how long it took and the id of the request, which its SDKs look at."""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import UUID

from tocsin.ingest.inbound.base import json_reply
from tocsin.ingest.received_webhook import Declined, RefusalOutcome
from tocsin.ingest.replies import Reply
from tocsin.model import uuid7

ACCEPTED: Final = "Request will be processed"
_UNPROCESSABLE: Final = "Request body is not processable. Please check the errors."


class Answering:
    """One answer in the making."""

    def __init__(self) -> None:
        self.request_id: UUID = uuid7()
        self._started = time.perf_counter()

    def _reply(self, status: int, document: dict[str, Any], more: dict[str, str]) -> Reply:
        took = max(round(time.perf_counter() - self._started, 3), 0.001)
        headers = {
            "x-request-id": str(self.request_id),
            "x-response-time": str(took),
            "x-ratelimit-state": "OK",
            **more,
        }
        said = {**document, "took": took, "requestId": str(self.request_id)}
        return json_reply(status, said, headers)

    def accepted(self, result: str = ACCEPTED) -> Reply:
        return self._reply(202, {"result": result}, {})

    def found(self, data: Any, **more: Any) -> Reply:
        return self._reply(200, {"data": data, **more}, {})

    def done(self, status: int, result: str, data: Any) -> Reply:
        return self._reply(status, {"result": result, "data": data}, {})

    def refused(self, status: int, message: str, **headers: str) -> Reply:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._reply(status, {"message": message}, more)

    def unprocessable(self, errors: dict[str, str]) -> Reply:
        return self._reply(422, {"message": _UNPROCESSABLE, "errors": errors}, {})

    def declined(self, answer: Declined) -> Reply:
        """What the road of webhooks declined."""
        if answer.status_code == 401:
            return self.refused(401, "Could not authenticate")
        if answer.problem in ("rate-limited", "overloaded"):
            return self.refused(429, "You are making too many requests!", retry_after="2")
        if answer.outcome is RefusalOutcome.INVALID and answer.faults:
            named = {
                fault["pointer"].removeprefix("/body").lstrip("/"): fault["message"]
                for fault in answer.faults
            }
            if "" in named:
                return self.refused(400, "Request body is not a valid JSON.")
            return self.unprocessable(named)
        return self.refused(answer.status_code, answer.detail)
