"""Whoever was paged of an alert is notified that it is over, unless they have ended it themselves.

It is no page: it is sent at the lowest urgency, behind all pages, and never loud. Only those are told
whose page was sent, by the contact methods that it went to (`oncall.contacts.says_end`), and once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tocsin.alerts.alert_case import AlertCase
from tocsin.alerts.changes import AlertChange
from tocsin.alerts.directory import Directory
from tocsin.alerts.escalation_pages import PageMaker
from tocsin.alerts.escalation_rows import PageRow
from tocsin.alerts.notified import read_details
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.alerts.rows import AlertRows
from tocsin.model import Urgency
from tocsin.oncall.contacts import end_at, says_end
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe, Row
from tocsin.store.statements import prepared

MOST_WAITING = 10
"""Of what ends at once, no contact method is told more than it can be sent soon."""


def who_was_paged(ended: Sequence[AlertCase]) -> Call:
    """The statement that finds who was paged of these."""
    return prepared("read_paged"), {
        "ids": arrays.uuids([case.alert.id for case in ended]),
        "by": arrays.optional_uuids(
            [
                None if case.ended is None or case.ended.by is None else case.ended.by.bytes
                for case in ended
            ]
        ),
        "most": MOST_WAITING,
    }


async def rows_of_ends(
    pipe: Pipe,
    ended: Sequence[AlertCase],
    paged: Sequence[Row],
    alert_rows: AlertRows,
    directory: Directory,
    now: datetime,
) -> list[PageRow]:
    """One row for each contact method that is told; `paged` is the answer to `who_was_paged`."""
    cases = {case.alert.id: case for case in ended}
    told = [
        row
        for row in paged
        if says_end(
            _book(cases[row.alert_id.bytes], directory).people.get(row.user_id),
            Urgency.of(cases[row.alert_id.bytes].alert.severity),
            row.alert_destination_id,
        )
    ]
    changes = {row.alert_id.bytes: _change(cases[row.alert_id.bytes]) for row in told}
    if not changes:
        return []
    details = await read_details(pipe, list(changes.values()), alert_rows.words)
    makers = {
        alert_id: PageMaker(change, details[alert_id], directory, now, set())
        for alert_id, change in changes.items()
    }
    sent: Counter[UUID] = Counter()
    rows = []
    for row in told:
        case, contact = cases[row.alert_id.bytes], row.alert_destination_id
        person = _book(case, directory).people[row.user_id]
        is_one_too_many = row.waiting + sent[contact] >= MOST_WAITING
        sent[contact] += not is_one_too_many
        rows.append(
            makers[case.alert.id].of_end(
                row.alert_rule_id,
                row.escalation_id,
                row.user_id,
                contact,
                end_at(person, Urgency.of(case.alert.severity), now),
                is_one_too_many=is_one_too_many,
            )
        )
    return rows


def _book(case: AlertCase, directory: Directory) -> OnCallBook:
    return directory.on_call.get(case.entry.workspace_id, OnCallBook())


def _change(case: AlertCase) -> AlertChange:
    ended = case.ended
    assert ended is not None
    return AlertChange(
        event_type=ended.event_type,
        alert=case.alert,
        entry=case.entry,
        actor=ended.actor,
        details=case.details,
        is_old=True,
        no_news_since=ended.no_news_since,
        said=ended.said,
    )
