"""Whether what was said before says nothing new when it is said again."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.correlate import KeyState, changes_nothing
from tocsin.alerts.directory import IntegrationEntry
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import Signal, SignalKind


def only_repeats(
    transaction: AlertTransaction,
    entry: IntegrationEntry,
    signals: Sequence[Signal],
    first: frozenset[bytes],
) -> bool:
    """Whether signals that came before, with the alerts `first`, say nothing new: no episode has
    ended or begun since, and nobody has said otherwise."""
    for signal in signals:
        if signal.external_id is None:
            continue
        state = transaction.known(AlertKey(entry.id_bytes, signal.external_id)) or KeyState()
        if not changes_nothing(state, signal, first):
            return False
        alert = state.alert
        if (
            alert is not None
            and signal.kind in (SignalKind.TRIGGER, SignalKind.UPDATE)
            and alert.words_digest is not None
            # What differs between two copies of one event is kept in the metadata, if at all.
            and any(part != "metadata" for part in signal.alert_words().changed(alert.words_digest))
        ):
            return False
    return True
