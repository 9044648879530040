"""What became of one attempt to deliver. Outcomes are values; channels never raise for them.

`progress` is what a channel must remember of an alert delivery between attempts (a mail's
recipients that have it already). The dispatcher stores it with the row when it is not None and
hands it back to the next attempt; None means "as it was". It is small, and holds no secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Progress = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """The service took it; nothing more has to be sent.

    `confirmed` False means accepted only: the service may still drop the message (Teams answers
    202 before the flow runs). `code` is set where it was sent and a person should look all the
    same (one of several recipients refused for good); it is then kept as the delivery's last
    error although its status is sent."""

    http_status: int | None = None
    message: str | None = None
    confirmed: bool = True
    code: str | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Not sent, or nobody knows; another attempt may do it.

    `retry_after` is seconds the service asked for (or its kind is known to need);
    `holds_destination` is true where the refusal concerns the whole destination (429), not this
    message."""

    code: str
    message: str
    http_status: int | None = None
    retry_after: float | None = None
    holds_destination: bool = False
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """No attempt will ever succeed. `disables_destination`: nothing else will get through either
    (410 Gone, flow deleted)."""

    code: str
    message: str
    http_status: int | None = None
    disables_destination: bool = False
    progress: Progress | None = None


Outcome = Sent | Retry | Failed
