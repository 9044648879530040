from __future__ import annotations

from uuid import UUID, uuid4

from tocsin.delivery.channels.base import Rate
from tocsin.delivery.dispatch.destination_lanes import FIRST_WINDOW, DestinationLanes, Floors, Lane

FAST = Rate(per_second=None, concurrency=16)
SLOW = Rate(per_second=1.0, burst=3, concurrency=2)


def fill(lanes: DestinationLanes, id: UUID, lane: Lane) -> int:
    """Look all there is room for, as for a long queue; returns what the lane has in hand."""
    for _ in range(lanes.room(lane)):
        lanes.take(lane)
    return lane.in_hand


def test_a_lane_begins_with_little_and_grows_with_success() -> None:
    lanes = DestinationLanes(1_000)
    id = uuid4()
    lane = lanes.lane(id, FAST)
    assert fill(lanes, id, lane) == FIRST_WINDOW
    for _ in range(200):
        lanes.release(id)
        lane.succeeded()
        fill(lanes, id, lane)
    assert lane.in_hand == 64
    lane.failed(pauses=False)
    assert lanes.room(lane) == 0
    assert lane.window == FIRST_WINDOW


def test_a_limited_lane_claims_nothing_ahead() -> None:
    lane = DestinationLanes(1_000).lane(uuid4(), SLOW)
    for _ in range(50):
        lane.succeeded()
    assert lane.window == 2


def test_there_is_always_room_for_one_more_destination() -> None:
    """However many lanes are stuck with all they could get."""
    lanes = DestinationLanes(256)
    for _ in range(2_000):
        id = uuid4()
        lane = lanes.lane(id, FAST)
        for _ in range(100):
            lane.succeeded()
        assert fill(lanes, id, lane) >= (1 if lanes.in_hand < 255 else 0)
    assert lanes.in_hand < 256


def test_one_lane_never_takes_more_than_half_of_what_is_free() -> None:
    lanes = DestinationLanes(40)
    id = uuid4()
    lane = lanes.lane(id, FAST)
    for _ in range(100):
        lane.succeeded()
    assert fill(lanes, id, lane) == 20


def test_a_lane_pauses_when_asked_or_after_three_failures_in_a_row() -> None:
    lane = Lane(FAST)
    lane.failed(pauses=True)
    assert lane.is_paused
    lane.succeeded()
    assert not lane.is_paused
    for _ in range(2):
        lane.failed(pauses=False)
    assert not lane.is_paused
    lane.failed(pauses=False)
    assert lane.is_paused


def test_idle_lanes_are_forgotten() -> None:
    lanes = DestinationLanes(10)
    idle, busy = uuid4(), uuid4()
    lanes.lane(idle, FAST)
    lanes.take(lanes.lane(busy, FAST))
    lanes.forget_idle()
    assert lanes.known(idle) is None
    assert lanes.known(busy) is not None


def test_floors_are_taken_once_a_second() -> None:
    floors, one, two = Floors(), uuid4(), uuid4()
    assert floors.at(100.0) == {}
    floors.learn({one: 50_000, two: 20}, 100.0)
    assert floors.at(100.9) == {one: 40_000, two: 0}
    assert floors.at(101.0) == {}
