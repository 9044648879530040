"""What a table has decided before it decides alike: never otherwise than one that decides for the first
time."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.routing.builders import NOW, PAGER, SLACK, planned, rule, subject, table
from tests.routing.test_plan_model import histories, subjects, tables
from tocsin.model import EventType
from tocsin.routing.group import Grouping
from tocsin.routing.plan import DECIDED, History, plan
from tocsin.routing.rules import RoutingTable, Subject

GROUPINGS = [None, Grouping(()), Grouping(("team",)), Grouping(("severity", "team"))]


@st.composite
def grouping_tables(draw: st.DrawFn) -> RoutingTable:
    made = draw(tables())
    rules = [
        replace(
            one,
            # Mostly such as may be decided alike.
            matchers=draw(st.sampled_from([(), (), one.matchers])),
            quiet_hours=draw(st.sampled_from([None, None, one.quiet_hours])),
            cooldown_seconds=draw(st.sampled_from([None, None, one.cooldown_seconds])),
            grouping=draw(st.sampled_from(GROUPINGS)),
            remind_every_seconds=draw(st.sampled_from([None, 60])),
        )
        for one in made.rules
    ]
    types = {id: draw(st.sampled_from(["slack", "pagerduty"])) for id in made.destinations}
    return replace(
        made,
        rules=tuple(rules),
        silences=draw(st.sampled_from([(), (), made.silences])),
        destinations={id: replace(ref, type=types[id]) for id, ref in made.destinations.items()},
    )


@settings(max_examples=200, deadline=None)
@given(
    routing=grouping_tables(),
    events=st.lists(
        st.tuples(
            st.just(EventType.TRIGGERED)
            | st.just(EventType.TRIGGERED)
            | st.sampled_from(EventType),
            subjects,
            histories,
        ),
        min_size=2,
        max_size=6,
    ),
)
def test_as_a_table_that_has_decided_nothing(
    routing: RoutingTable, events: list[tuple[EventType, Subject, History]]
) -> None:
    for event_type, about, history in events:
        made = plan(routing, event_type, about, history, NOW)
        assert made == plan(replace(routing), event_type, about, history, NOW)


def test_what_is_decided_alike_is_decided_once() -> None:
    routing = table(rule(1, SLACK, PAGER, grouping=Grouping(("team",))))
    first, other = planned(routing), planned(routing, about=subject({"team": "web"}))
    assert planned(routing)[SLACK] is first[SLACK]
    assert first[SLACK].group != other[SLACK].group
    assert first[SLACK].group != first[PAGER].group


def test_a_table_remembers_a_few() -> None:
    routing = table(rule(grouping=Grouping(("team",))))
    for number in range(3 * DECIDED):
        planned(routing, about=subject({"team": str(number)}))
    assert len(routing.decided) <= DECIDED
