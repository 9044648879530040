"""What goes on record of an attempt at a contact method: everything but its address, and no code."""

from __future__ import annotations

from dataclasses import replace

from tocsin.delivery.channels.addresses import addresses_of, masked
from tocsin.delivery.dispatch.targets import Target
from tocsin.delivery.outcome import Outcome
from tocsin.model import REDACTED


def discreet(outcome: Outcome, target: Target, code: str | None) -> Outcome:
    """The outcome in words that everybody in the workspace may read. A mail server, say, names the
    address that it refuses."""
    if outcome.message is None or target.person is None or target.config is None:
        return outcome
    text = outcome.message
    for address in addresses_of(target.config):
        text = text.replace(address, masked(address))
    if code is not None:
        text = text.replace(code, REDACTED)
    return replace(outcome, message=text)
