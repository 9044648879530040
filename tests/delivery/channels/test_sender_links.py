from __future__ import annotations

from typing import Any

import pytest

from tests.delivery.channels import samples
from tocsin.delivery.channels.kit.addresses_in_text import pieces
from tocsin.delivery.channels.kit.message_actions import actions_of, group_actions
from tocsin.message import AlertView, Links
from tocsin.model import AlertStatus
from tocsin.model.sender_links import is_web_address, sender_links

WIKI = "https://wiki.example.com/disk"
GRAPHS = "https://grafana.example.com/d/disk"
RULE = "https://prometheus.example.com/graph?g0.expr=up"
OFF = "https://alertmanager.example.com/#/silences/new"


def kinds(labels: dict[str, str], metadata: dict[str, Any]) -> dict[str, str]:
    return {link.kind.value: link.address for link in sender_links(labels, metadata)}


def test_what_tools_call_it_is_found_wherever_they_put_it() -> None:
    prometheus = {
        "annotations": {"runbook_url": WIKI, "summary": "Disk"},
        "generatorURL": RULE,
        "silenceURL": OFF,
        "dashboardURL": GRAPHS,
    }
    assert kinds({}, prometheus) == {
        "Runbook": WIKI,
        "Dashboard": GRAPHS,
        "Source": RULE,
        "Silence": OFF,
    }
    assert kinds({"runbook": WIKI}, {"html_url": RULE}) == {"Runbook": WIKI, "Source": RULE}
    events = [{"href": WIKI, "text": "The runbook"}, {"href": RULE, "text": "Query"}, "no link"]
    assert kinds({}, {"links": events}) == {"Runbook": WIKI, "Source": RULE}


def test_one_address_is_offered_once_and_what_is_no_address_never() -> None:
    assert kinds({}, {"runbook_url": WIKI, "url": WIKI}) == {"Runbook": WIKI}
    assert kinds({"runbook": "see the wiki"}, {"runbook_url": WIKI}) == {"Runbook": WIKI}
    assert kinds({"runbook_url": "javascript:alert(1)"}, {"url": "file:///etc/passwd"}) == {}
    assert kinds({}, {"links": {"href": WIKI}, "url": ["x"]}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://",
        "https:///path",
        "https://a b.example",
        "https://a.example/\n",
        'https://a.example/"onclick',
        "https://[::1",
        "ftp://a.example/x",
        "https://a.example/" + "x" * 3_000,
        " https://a.example",
    ],
)
def test_not_everything_that_looks_so_is_an_address(text: str) -> None:
    assert not is_web_address(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See https://a.example/x.", ["https://a.example/x"]),
        ("(see https://a.example/x)", ["https://a.example/x"]),
        (
            "https://a.example/x_(y), or https://b.example",
            ["https://a.example/x_(y)", "https://b.example"],
        ),
        ("[win](https://evil.example)", ["https://evil.example"]),
        ("“https://a.example/”", ["https://a.example/"]),
        ("cut: https://a.example/x…", []),
        ("none: http:// or example.com", []),
        ("", []),
        ("https://", []),
    ],
)
def test_addresses_are_found_in_sentences_and_nothing_is_lost(text: str, found: list[str]) -> None:
    taken_apart = list(pieces(text))

    assert [piece.text for piece in taken_apart if piece.is_address] == found
    assert "".join(piece.text for piece in taken_apart) == text


def test_acknowledging_comes_first_and_all_of_ours_are_always_there() -> None:
    links = samples.links_for("x")
    metadata = {
        "runbook_url": WIKI,
        "dashboardURL": GRAPHS,
        "panelURL": f"{GRAPHS}?p=2",
        "url": RULE,
    }
    alert = samples.alert(metadata=metadata)

    def names(about: AlertView, where: Links) -> list[str]:
        return [each.name for each in actions_of(samples.message(about=about), where)]

    ours_at_the_end = ["Resolve", "Open in Tocsin"]
    assert names(alert, links) == ["Acknowledge", "Runbook", "Dashboard", "Panel", *ours_at_the_end]
    silenced = samples.alert(metadata=metadata | {"silenceURL": OFF})
    first = ["Acknowledge", "Runbook", "Dashboard", "Silence"]
    assert names(silenced, links) == [*first, *ours_at_the_end]
    here = Links(alert=links.alert, silence="https://hub.example/silences/new?alert=1")
    assert names(alert, here)[-2:] == ["Silence", "Open in Tocsin"]
    over = samples.alert(metadata=metadata, status=AlertStatus.RESOLVED)
    assert "Silence" not in names(over, here)


def test_of_several_only_what_all_of_them_name_is_offered() -> None:
    both = [samples.alert(metadata={"runbook_url": WIKI, "url": f"{RULE}{n}"}) for n in range(2)]
    actions = group_actions(samples.several(both), samples.links_for("x"))

    assert [each.name for each in actions] == [
        "Acknowledge these",
        "Runbook",
        "Resolve these",
        "Open in Tocsin",
    ]
