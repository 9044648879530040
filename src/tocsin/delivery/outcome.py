"""What became of one attempt to deliver. Outcomes are values; channels never raise for them.

`progress` is what a channel must remember of an alert delivery between attempts (a mail's
recipients that have it already). The dispatcher stores it with the row when it is not None and
passes it to the next attempt; None means "as it was". It is small, and holds no secret.

Where a destination has several receivers, two names in it are fixed. `waiting` lists those
that do not have the message yet, under keys of the channel's own: then later messages of the same
alert may go to the others. `behind` is put in by the dispatcher: those that still wait for an earlier
message of this alert, and must not get this one yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Progress = Mapping[str, Any]
WAITING, BEHIND = "waiting", "behind"


class Standing(Enum):
    """What an attempt that has to be repeated says of its destination."""

    FAILING = "failing"
    """Nothing got through; as the third in a row, it holds the destination."""
    DOWN = "down"
    """Nothing gets through to anybody: held at once, and probed."""
    THROTTLED = "throttled"
    """The service asked for silence: held at once, for as long as it asked."""
    MISCONFIGURED = "misconfigured"
    """Only a person can fix it (settings or configuration): held at once, and probed."""
    ANSWERING = "answering"
    """It is there, but took nothing: that holds nothing, yet it counts as failing for the fallback."""
    WORKING = "working"
    """Some receiver got the message."""
    UNKNOWN = "unknown"
    """It says nothing of the destination."""

    @property
    def is_trouble(self) -> bool:
        return self is Standing.FAILING or self.holds

    @property
    def holds(self) -> bool:
        """Whether it holds the destination at once."""
        return self in (Standing.DOWN, Standing.THROTTLED, Standing.MISCONFIGURED)


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

    `retry_after` is seconds the service asked for (or its kind is known to need)."""

    code: str
    message: str
    http_status: int | None = None
    retry_after: float | None = None
    standing: Standing = Standing.FAILING
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
