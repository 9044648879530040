"""What is asked of matchers, how often, and what it is said to cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.builders import ALL_EVENTS, NOW, SLACK, rule, silence, subject, table
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity
from tocsin.routing.history import NotifiedTrigger
from tocsin.routing.judge import PATTERN_UNITS, Judge
from tocsin.routing.matchers import Matcher
from tocsin.routing.plan import NO_HISTORY, History, plan
from tocsin.routing.rules import RuleIndex

LABELS = ["team", "severity", "source", "absent"]
VALUES = ["db", "web", "HIGH", "high", "", "db|web", "d.*", "datadog-production"]
matchers = st.builds(
    Matcher,
    st.sampled_from(LABELS),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(VALUES),
)


def counted(matcher: Matcher, asked: Counter[str]) -> Matcher:
    """A copy that notes what its expression is run on."""
    accepts = matcher.condition.accepts

    def noting(text: str) -> bool:
        asked[text] += 1
        return accepts(text)

    counting = replace(matcher)
    object.__setattr__(counting, "condition", replace(matcher.condition, accepts=noting))
    return counting


def test_an_expression_meets_each_value_once_however_many_alerts_and_rules_share_it() -> None:
    asked: Counter[str] = Counter()
    shared = counted(Matcher("team", "=~", "d.*"), asked)
    routing = table(
        *(rule(number, matchers=(shared,)) for number in range(5)),
        silences=(silence(shared, starts_at=NOW, ends_at=NOW + timedelta(hours=1)),),
    )
    judge = Judge()
    for number in range(12):
        about = subject({"team": f"d{number % 3}", "host": str(number)})
        plan(routing, EventType.TRIGGERED, about, NO_HISTORY, NOW, judge)
    assert asked == {"d0": 1, "d1": 1, "d2": 1}


def test_equal_matchers_of_different_rules_share_their_condition() -> None:
    one, other = (Matcher("team", "=~", "d.*") for _ in range(2))
    assert one.condition is other.condition
    assert one.condition is Matcher("host", "=~", "d.*").condition
    assert one.condition is not Matcher("severity", "=~", "d.*").condition


def test_comparisons_are_asked_before_expressions() -> None:
    asked: Counter[str] = Counter()
    first = counted(Matcher("title", "=~", ".*disk.*"), asked)
    picky = rule(matchers=(first, Matcher("team", "=", "web")))
    assert not picky.matches(subject(), Judge())
    assert not asked
    # What is explained to people is the first as written, all the same.
    assert picky.refusal(subject(title="Memory"), Judge()) is first


@given(
    st.lists(st.lists(matchers, max_size=3).map(tuple), max_size=8),
    st.dictionaries(st.sampled_from(["team", "host"]), st.sampled_from(["db", "web", ""])),
    st.sampled_from(Severity),
)
def test_the_index_leaves_out_only_what_cannot_match(
    asked: list[tuple[Matcher, ...]], labels: dict[str, str], severity: Severity
) -> None:
    rules = [rule(number, matchers=each) for number, each in enumerate(asked)]
    about = subject(labels, severity)
    found = RuleIndex(rules).may_match(about)
    assert [each for each in rules if each.refusal(about, Judge()) is None] == [
        each for each in found if each.matches(about, Judge())
    ]
    assert list(RuleIndex(rules).may_match(about, [each.id for each in rules])) == rules


def test_of_many_rules_for_one_team_each_an_alert_meets_its_own() -> None:
    rules = [
        rule(number, matchers=(Matcher("team", "=", f"team-{number}"),)) for number in range(50)
    ]
    assert RuleIndex(rules).may_match(subject({"team": "team-7"})) == [rules[7]]


def test_work_is_counted_the_same_on_every_machine() -> None:
    pattern = Matcher("team", "=~", "(a?){50}a{50}")
    spent = []
    for _ in range(2):
        judge = Judge()
        judge.matches(pattern, subject({"team": "a" * 100}))
        judge.matches(pattern, subject({"team": "a" * 100}))
        spent.append(judge.spent)
    assert spent[0] == spent[1] > PATTERN_UNITS + 100 * pattern.condition.program_size
    wide = Judge()
    wide.matches(pattern, subject({"team": "é" * 100}))
    assert wide.spent > spent[0]


@pytest.mark.parametrize("limit", [0, PATTERN_UNITS])
def test_an_overdrawn_judge_asks_nothing_more(limit: int) -> None:
    asked: Counter[str] = Counter()
    matcher = counted(Matcher("team", "=~", "(d|e).*"), asked)
    judge = Judge(limit)
    assert not judge.matches(matcher, subject({"team": "db"}))
    assert judge.is_overdrawn
    assert not rule().matches(subject(), judge)
    assert not asked


def test_a_renewed_judge_knows_what_it_learnt_and_pays_for_news_only() -> None:
    matcher = Matcher("team", "=~", "(d|e).*")
    judge = Judge()
    assert judge.matches(matcher, subject({"team": "db"}))
    judge.renew()
    judge.limit = 0
    assert judge.matches(matcher, subject({"team": "db"}))
    assert judge.spent == 0
    assert not judge.matches(matcher, subject({"team": "e"}))
    assert judge.is_overdrawn


def test_the_end_of_an_alert_reaches_the_rule_that_notified_of_it_past_the_index() -> None:
    only = rule(matchers=(Matcher("team", "=", "db"),), event_types=ALL_EVENTS)
    routing = table(only, rule(9, matchers=(Matcher("team", "=", "x"),)))
    notified = NotifiedTrigger(AlertDeliveryStatus.SENT, Reason.RULE, None, frozenset({only.id}))
    history = History(notified_trigger={SLACK: notified})
    ended = plan(routing, EventType.RESOLVED, subject({"team": "gone"}), history, NOW)
    assert [each.rule_id for each in ended.deliveries] == [only.id]
