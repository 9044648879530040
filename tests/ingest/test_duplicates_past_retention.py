"""Deliveries may count as duplicates for longer than the record of the first is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.ingest.harness import Harness, Posted, harness
from tests.support.postgres import Database
from tocsin.ingest.duplicates import KEY_REUSED
from tocsin.ingest.received_webhook import Accepted
from tocsin.model import WebhookStatus

DAY = 86_400
FIRST = Posted({"title": "disk", "id": "a"}, key="k")
OVER = Posted({"title": "disk", "id": "a", "status": "resolved"}, key="over")


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


def posted(opened: Harness, sender: Any, said: Posted) -> Accepted:
    (answer,) = opened.post(sender, said)
    assert isinstance(answer, Accepted)
    return answer


@pytest.mark.parametrize("is_over", [False, True])
def test_what_comes_with_its_key_is_a_duplicate_still(opened: Harness, is_over: bool) -> None:
    sender = opened.workspace.sender(deduplication_window_minutes=30 * 1_440)
    first = posted(opened, sender, FIRST)
    if is_over:
        posted(opened, sender, OVER)
    opened.workspace.sql("DELETE FROM webhook_deliveries")
    opened.advance(2 * DAY)
    again = posted(opened, sender, FIRST)
    assert again.status is WebhookStatus.DUPLICATE
    assert [alert_id for alert_id, _ in again.alerts] == [alert_id for alert_id, _ in first.alerts]
    (row,) = opened.workspace.deliveries(sender)
    assert (row["outcome"], row["flags"]) == ("duplicate", [])
    assert [row["occurrence_count"] for row in opened.workspace.alerts(sender)] == [1]


def test_so_is_what_only_says_again_what_is_so(opened: Harness) -> None:
    sender = opened.workspace.sender(deduplication_window_minutes=30 * 1_440)
    said = Posted({"title": "disk", "id": "a"})
    posted(opened, sender, said)
    opened.workspace.sql("DELETE FROM webhook_deliveries")
    opened.advance(2 * DAY)
    assert posted(opened, sender, said).status is WebhookStatus.DUPLICATE


def test_a_key_with_other_content_is_not(opened: Harness) -> None:
    sender = opened.workspace.sender(deduplication_window_minutes=30 * 1_440)
    posted(opened, sender, FIRST)
    opened.workspace.sql("DELETE FROM webhook_deliveries")
    opened.advance(2 * DAY)
    other = posted(opened, sender, Posted({"title": "load", "id": "b"}, key="k"))
    assert other.status is WebhookStatus.CREATED
    (row,) = opened.workspace.deliveries(sender)
    assert row["flags"] == [KEY_REUSED]
