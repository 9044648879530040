"""Who stands first on the board of tenants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from tocsin.model import Severity, uuid7
from tocsin.resources.tenant_board import RankedTenant, begins_after, ranked, standing
from tocsin.store.queries.health import SourceHeard
from tocsin.store.queries.tenant_board import MOST_LIVE, TenantRow

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def tenant(
    name: str, critical: int = 0, high: int = 0, low: int = 0, *, missed: int = 0, failed: int = 0
) -> TenantRow:
    live = dict.fromkeys(Severity, 0) | {
        Severity.CRITICAL: critical,
        Severity.HIGH: high,
        Severity.LOW: low,
    }
    return TenantRow(uuid7(), name.lower(), name, live, missed, failed, 0)


def order(*rows: TenantRow, silent: str = "") -> list[str]:
    found = [RankedTenant(row, ("s",) if row.name == silent else (), None) for row in rows]
    return [each.row.name for each in ranked(found)]


def test_critical_before_high_before_what_does_not_work_before_the_rest() -> None:
    rows = (
        tenant("quiet"),
        tenant("low", low=900),
        tenant("silent"),
        tenant("two troubles", missed=1, failed=2),
        tenant("high", high=40),
        tenant("critical", critical=1),
        tenant("Also quiet"),
    )
    assert order(*rows, silent="silent") == [
        "critical",
        "high",
        "two troubles",
        "silent",
        "low",
        "Also quiet",
        "quiet",
    ]


def test_of_equals_the_one_with_more() -> None:
    assert order(tenant("a", 1), tenant("b", 3), tenant("c", 1, 2)) == ["b", "c", "a"]


def heard(name: str, ago: timedelta | None, usual: timedelta | None) -> SourceHeard:
    return SourceHeard(UUID(int=1), name, None if ago is None else NOW - ago, usual)


def test_who_is_silent_and_when_the_tenant_was_heard() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    found = standing(
        tenant("acme"),
        [
            heard("chatty", 3 * hour, minute),
            heard("rare", 3 * hour, hour),
            heard("new", None, None),
            heard("well", minute, None),
        ],
        NOW,
    )
    assert found.silent == ("chatty",)
    assert found.heard_at == NOW - minute
    assert found.troubles == 1
    assert not found.is_quiet
    assert standing(tenant("acme"), [], NOW).is_quiet


def test_a_page_goes_on_after_the_last_tenant_of_the_one_before() -> None:
    standings = [RankedTenant(tenant(name), (), None) for name in "abc"]
    assert begins_after(standings, None) == 0
    assert begins_after(standings, standings[1].row.id) == 2
    assert begins_after(standings, uuid7()) == 0, "that one is gone"


def test_more_than_was_counted_is_said() -> None:
    assert not tenant("a", low=MOST_LIVE).has_more
    assert tenant("a", low=MOST_LIVE + 1).has_more
