from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.delivery.dispatch.row_update import (
    MESSAGE_LIMIT,
    Interrupted,
    NotAttempted,
    Result,
    TooLate,
    clean,
    decide,
    failures_of,
    reached_by,
)
from tocsin.delivery.outcome import Failed, Retry, Sent, Standing
from tocsin.model import HoldReason, uuid7
from tocsin.store.delivery_queue import Claimed

HERE, THERE = uuid7(), uuid7()


def claimed(destination: Any = HERE, **values: Any) -> Claimed:
    known: dict[str, Any] = {
        "id": uuid7(),
        "workspace_id": uuid7(),
        "alert_destination_id": destination,
        "alert_id": uuid7(),
        "event_type": "alerts.triggered",
        "attempt_count": 1,
        "payload": {},
        "progress": None,
        "behind": None,
        "created_at": datetime.now(UTC),
        "sequence": 1,
        "seconds_left": 86_400.0,
        "waited": 0.0,
        "at": datetime.now(UTC),
        "configuration_version": 1,
    }
    return Claimed(**{**known, **values})


anything = st.text(st.characters(), max_size=1_000)
results = st.one_of(
    st.builds(Sent, http_status=st.none() | st.integers(), message=anything, code=anything),
    st.builds(Retry, code=anything, message=anything, retry_after=st.none() | st.floats()),
    st.builds(Failed, code=anything, message=anything, http_status=st.none() | st.integers()),
    st.just(Interrupted()),
    st.just(NotAttempted()),
    st.just(TooLate()),
)


@given(results, st.integers(1, 100), st.floats(-100, 86_400), st.floats(0, 1, exclude_max=True))
def test_whatever_a_channel_says_the_row_has_a_next_state(
    result: Result, attempt: int, left: float, dice: float
) -> None:
    update = decide(
        claimed(attempt_count=attempt, seconds_left=left), result, elapsed=0.0, dice=dice
    )
    assert update.status in ("sent", "queued", "failed")
    assert update.outcome in (None, "sent", "retry", "failed", "unknown")
    assert update.http_status is None or 0 <= update.http_status < 2**15
    if isinstance(result, Retry):
        assert (update.status == "queued") == (update.delay is not None)
    if isinstance(result, Failed | TooLate):
        assert update.status == "failed"


@given(anything)
def test_what_is_stored_is_printable_and_not_long(text: str) -> None:
    cleaned = clean(text)
    assert cleaned is not None
    assert cleaned.isprintable()
    assert len(cleaned) <= MESSAGE_LIMIT
    cleaned.encode()


def test_one_that_got_through_speaks_for_its_destination() -> None:
    refused = Retry("refused", "no", 503)
    group = [
        (claimed(HERE), refused),
        (claimed(HERE), Sent(204)),
        (claimed(THERE), refused),
        (claimed(THERE), refused),
    ]
    (failure,) = failures_of(group)
    assert (failure.destination, failure.failures) == (THERE, 2)
    assert failure.hold is None


def test_silence_asked_for_counts_whatever_else_got_through() -> None:
    throttled = Retry("throttled", "slow down", 429, retry_after=30.0, standing=Standing.THROTTLED)
    (failure,) = failures_of([(claimed(), Sent(204)), (claimed(), throttled)])
    assert (failure.hold, failure.throttle) == (HoldReason.THROTTLED, 30.0)


def test_a_refusal_for_good_is_an_answer() -> None:
    (failure,) = failures_of([(claimed(), Failed("bad-request", "no", 400))])
    assert failure.answered


def test_an_attempt_that_reached_somebody_is_no_failure() -> None:
    reached = Retry("recipient-deferred", "later", standing=Standing.WORKING)
    group = [(claimed(HERE), Retry("timeout", "no")), (claimed(HERE), reached)]
    assert failures_of(group) == []
    assert reached_by(group) == {HERE}
    assert failures_of([(claimed(), Retry("x", "no", standing=Standing.UNKNOWN))]) == []


@pytest.mark.parametrize(
    ("standing", "hold", "longest"),
    [
        (Standing.DOWN, HoldReason.FAILING, 60.0),
        (Standing.MISCONFIGURED, HoldReason.MISCONFIGURED, 60.0),
        (Standing.FAILING, None, 3600.0),
    ],
)
def test_what_concerns_all_messages_holds_at_once_and_is_tried_every_minute(
    standing: Standing, hold: HoldReason | None, longest: float
) -> None:
    retry = Retry("mail-server-busy", "no", standing=standing)
    (failure,) = failures_of([(claimed(), retry)])
    assert (failure.hold, failure.throttle, failure.answered) == (hold, None, False)
    update = decide(claimed(attempt_count=30), retry, elapsed=0.0, dice=0.999999)
    assert update.delay == pytest.approx(longest, rel=0.001)


def test_a_test_of_what_is_misconfigured_says_so_at_once() -> None:
    retry = Retry("mail-not-set-up", "ops gets no mail", standing=Standing.MISCONFIGURED)
    test = claimed(event_type="alerts.test", alert_id=None, seconds_left=60.0)
    update = decide(test, retry, elapsed=0.0, dice=0.0)
    assert (update.status, update.code) == ("failed", "mail-not-set-up")


def test_tests_hold_nobody_up() -> None:
    test = claimed(event_type="alerts.test", alert_id=None)
    assert failures_of([(test, Retry("refused", "no", 503))]) == []
