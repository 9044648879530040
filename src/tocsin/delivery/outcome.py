"""What became of one attempt to deliver. Outcomes are values; channels never raise for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """The service took it. `confirmed` False means accepted only: it may still drop the message
    (Teams answers 202 before the flow runs)."""

    http_status: int | None = None
    message: str | None = None
    confirmed: bool = True


@dataclass(frozen=True, slots=True)
class Retry:
    """Not sent, or nobody knows; another attempt may do it.

    `retry_after` is seconds the service asked for; `holds_destination` is true where the refusal
    concerns the whole destination (429), not this message."""

    code: str
    message: str
    http_status: int | None = None
    retry_after: float | None = None
    holds_destination: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """No attempt will ever succeed. `disables_destination`: nothing else will get through either
    (410 Gone, flow deleted)."""

    code: str
    message: str
    http_status: int | None = None
    disables_destination: bool = False


Outcome = Sent | Retry | Failed
