from __future__ import annotations

from zoneinfo import ZoneInfo

from tests.delivery.channels import samples
from tocsin.delivery.channels.kit.label_order import by_usefulness, differing
from tocsin.delivery.channels.kit.message_words import describe

HEADLINE = "CRITICAL Disk /var almost full on db1"


def names(labels: dict[str, str], **of: list[str]) -> list[str]:
    return [name for name, _ in by_usefulness(labels, headline=HEADLINE, **of)]


def test_what_rules_match_on_comes_first_then_what_tells_where() -> None:
    labels = {
        "alpha": "1",
        "prometheus": "monitoring/k8s",
        "job": "node",
        "team": "orders",
        "host": "db1",
        "squad": "blue",
        "zone": "b",
    }
    assert names(labels) == ["host", "team", "alpha", "squad", "zone", "job", "prometheus"]
    assert names(labels, matched=["zone", "missing", "squad"])[:3] == ["zone", "squad", "host"]
    assert names(labels, matched=["zone"], differing=["alpha", "zone"])[:2] == ["zone", "alpha"]


def test_no_row_repeats_the_headline_or_a_button() -> None:
    labels = {
        "severity": "critical",
        "alertname": "Disk /var almost full",
        "runbook_url": "https://wiki.example.com/disk",
        "host": "db1",
        "empty": "",
    }
    assert names(labels) == ["host"]
    # What the headline does not say stays.
    kept = {"severity": "page", "alertname": "NodeFilesystemFull", "runbook": "ask Ana"}
    assert names(kept) == ["alertname", "runbook", "severity"]


def test_labels_that_differ_tell_the_alerts_of_a_message_apart() -> None:
    alerts = [
        samples.alert(title="Disk full", labels={"team": "orders", "host": f"db{n}", "zone": "b"})
        for n in (1, 2)
    ]
    assert differing(alerts) == ["host"]
    assert differing(alerts[:1]) == []
    words = describe(samples.several(alerts), ZoneInfo("UTC"), samples.links_for("x"))
    assert words.description == (
        "CRITICAL · open · Disk full (host=db1, prometheus-production)\n"
        "CRITICAL · open · Disk full (host=db2, prometheus-production)"
    )


def test_a_message_shows_the_useful_first_and_the_tools_own_id_last() -> None:
    message = samples.message(matched_labels=("team",))
    words = describe(message, ZoneInfo("UTC"), samples.links_for("x"))

    assert [fact.name for fact in words.rows] == [
        "Source",
        "Tenant",
        "team",
        "host",
        "mountpoint",
        "External id",
    ]
