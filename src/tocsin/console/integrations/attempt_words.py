"""How an attempt of a sender went, in words for somebody who is to fix it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from tocsin.store.tables import WebhookDelivery

_BECAME = {
    "created": "opened an alert",
    "updated": "repeated an open alert",
    "acknowledged": "acknowledged an alert",
    "resolved": "resolved an alert",
    "duplicate": "was a duplicate, and changed nothing",
    "ignored": "was valid, but no alert",
}
"""What a webhook that was accepted did."""


@dataclass(frozen=True, slots=True)
class AttemptLine:
    delivery: WebhookDelivery
    tone: str
    words: str


def verdict_of(delivery: WebhookDelivery) -> tuple[str, str]:
    """How it went: a tone, and words for somebody who is to fix it."""
    if delivery.status_code < 300:
        return "ok", _became(delivery)
    if delivery.status_code == HTTPStatus.UNAUTHORIZED:
        return "bad", f"refused: {delivery.error_message or 'the signature is wrong'}"
    return "bad", f"{delivery.outcome}: {delivery.error_message or delivery.status_code}"


@dataclass(frozen=True, slots=True)
class WaitingFor:
    """Where the setting up stands; `tone` is waiting, ok or bad."""

    tone: str
    heading: str
    words: str


def waiting_for(newest: WebhookDelivery | None) -> WaitingFor:
    """What the page that waits says, by the newest attempt."""
    if newest is None:
        return WaitingFor(
            "waiting",
            "Waiting for the first webhook",
            "Send a test from the tool; it appears here by itself.",
        )
    if newest.status_code < 300:
        return WaitingFor("ok", "It works", f"The newest webhook {_became(newest)}.")
    if newest.status_code == HTTPStatus.UNAUTHORIZED:
        return WaitingFor("bad", "It came, and its signature is wrong", _mend(newest))
    said = (newest.error_message or newest.outcome).rstrip(".")
    return WaitingFor(
        "bad",
        "It came, and could not be understood",
        f"{said}. Open the attempt below to see what was sent.",
    )


def _became(delivery: WebhookDelivery) -> str:
    return _BECAME.get(delivery.outcome, f"was {delivery.outcome}")


def _mend(delivery: WebhookDelivery) -> str:
    said = (delivery.error_message or "").rstrip(".")
    if "missing" in said:
        return (
            f"{said}. The tool signed nothing: paste the secret into its settings, and look at the "
            "attempt below for the headers that it sent."
        )
    if "stale" in said or "time" in said:
        return f"{said}. Compare the clock of the tool's machine with this one's."
    return (
        f"{said or 'The signature does not match'}. Paste the secret once more, without spaces "
        "around it; if it is lost, rotate it here: both work for a day."
    )
