"""What is remembered of an alert key beside its live alert: its end, and how it comes and goes."""

from __future__ import annotations

from datetime import datetime

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.correlate import KeyState, ResolutionMark, ended_by_person
from tocsin.alerts.directory import IntegrationEntry
from tocsin.alerts.flap_counting import counted_so_far, remembered_until
from tocsin.alerts.rows import AlertRows, RememberedEnd
from tocsin.alerts.stored import StoredAlert
from tocsin.routing.flapping import settled


class Remembering:
    """The alert keys of one transaction; what is to be kept of them goes into its `rows`."""

    __slots__ = ("_rows", "keys")

    def __init__(self, rows: AlertRows) -> None:
        self._rows = rows
        self.keys: dict[AlertKey, KeyState] = {}
        """What is known of each, as it is at this moment of the transaction."""

    def end(self, key: AlertKey, state: KeyState, at: datetime, entry: IntegrationEntry) -> None:
        """Keep when the newest episode of a key ended, as far as anybody asks for it."""
        if state.mark is None:
            return
        if entry.window or state.flaps is not None:
            self._keep(key, state, state.mark, at + entry.window, entry)
        if not entry.window:
            # Without a window nobody is late, within one transaction no more than between two.
            state.mark = None

    def end_by_person(self, stored: StoredAlert, now: datetime) -> None:
        """A person, or time, ended an alert that was live."""
        external_id = stored.details.external_id
        if external_id is None:
            return
        key = AlertKey(stored.entry.id_bytes, external_id)
        state = self.keys.get(key) or KeyState()
        state.mark = ended_by_person(state, stored.state, now)
        state.flaps = counted_so_far(stored.state, stored.entry.flapping)
        self.end(key, state, now, stored.entry)

    def settle(self, stored: StoredAlert, now: datetime) -> None:
        """An alert that flapped is quiet: the next episode of its key is a new alert."""
        external_id = stored.details.external_id
        if external_id is None:
            return
        key = AlertKey(stored.entry.id_bytes, external_id)
        state = self.keys.get(key)
        if state is None or state.flaps is None or not state.flaps.is_flapping:
            return
        state.flaps = settled(state.flaps)
        late_until = now if state.mark is None else now + stored.entry.window
        ended = stored.state.resolved_at or now
        state.mark = state.mark or ResolutionMark(ended, stored.state.id)
        self._keep(key, state, state.mark, late_until, stored.entry)

    def _keep(
        self,
        key: AlertKey,
        state: KeyState,
        mark: ResolutionMark,
        late_until: datetime,
        entry: IntegrationEntry,
    ) -> None:
        expires_at = late_until
        if state.flaps is not None and entry.flapping is not None:
            expires_at = max(late_until, remembered_until(state.flaps, entry.flapping))
        self._rows.ends[key] = RememberedEnd(mark, late_until, state.flaps, expires_at)
