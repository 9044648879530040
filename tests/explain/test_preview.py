"""What a rule or a silence would have done, tried on past alerts, and for how much work."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from tests.routing.builders import INTEGRATION, NOW, TENANT, rule, silence
from tocsin.explain import preview as previewing
from tocsin.explain.preview import PastAlerts, try_cover, try_rule
from tocsin.model import AlertStatus, EventType, Severity, uuid7
from tocsin.routing.matchers import Matcher
from tocsin.routing.rules import VerdictCode
from tocsin.store.queries.alerts import PastAlert


def past(labels: Mapping[str, str] | None = None) -> PastAlert:
    return PastAlert(
        id=uuid7(),
        tenant_id=TENANT,
        integration_id=INTEGRATION,
        external_id=None,
        title="Disk almost full",
        severity=Severity.HIGH,
        status=AlertStatus.OPEN,
        source="datadog-production",
        triggered_at=NOW,
        labels={"team": "db"} if labels is None else dict(labels),
        resolved_at=None,
        closed_at=None,
        source_type="datadog",
    )


def all_of(*alerts: PastAlert) -> PastAlerts:
    return PastAlerts(NOW, alerts, are_all=True)


async def test_a_preview_ignores_switch_and_events() -> None:
    one = rule(
        is_enabled=False,
        event_types=frozenset({EventType.TRIGGERED}),
        matchers=(Matcher("team", "=", "db"),),
    )
    ours, theirs = past(), past({"team": "web"})
    outcome = await try_rule(one, all_of(ours, theirs))
    assert outcome.matched == [ours]
    (second,) = outcome.misses
    assert (second.alert, second.code, second.matcher) == (
        theirs,
        VerdictCode.MATCHER,
        one.matchers[0],
    )
    assert "“web”" in second.words
    assert (outcome.considered, outcome.refusals) == (2, {VerdictCode.MATCHER: 1})


async def test_the_preview_of_a_silence_keeps_the_order_and_what_it_would_mute() -> None:
    one = silence(starts_at=NOW, ends_at=NOW)
    ours, theirs, others = past(), past({"team": "web"}), past()
    outcome = await try_cover(one, all_of(theirs, ours, theirs, others).alerts)
    assert (outcome.held, outcome.considered) == ([ours, others], 4)


async def test_a_preview_ends_where_its_work_does_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    matcher = Matcher("team", "=~", "(a|b)*c")
    alerts = all_of(*(past({"team": "b" * 100 + str(number)}) for number in range(20)))
    whole = (await try_rule(rule(matchers=(matcher,)), alerts)).considered
    monkeypatch.setattr(previewing, "MOST_WORK", 30_000)
    cut = await try_rule(rule(matchers=(matcher,)), alerts)
    assert whole == 20
    assert 0 < cut.considered == len(cut.misses) < 20
    muted = await try_cover(silence(matcher, starts_at=NOW, ends_at=NOW), alerts.alerts)
    assert 0 < muted.considered < 20


async def test_matching_is_no_work_of_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[threading.Thread] = set()
    judge_alert = previewing.judge_alert

    def noting(*arguments: object) -> object:
        threads.add(threading.current_thread())
        return judge_alert(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(previewing, "judge_alert", noting)
    await try_rule(rule(), all_of(past()))
    assert threads
    assert threading.current_thread() not in threads
