"""Cards by the renderer that Teams is built on, in its light and its dark colours, as wide as on a desk
and as narrow as on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from tests.delivery.channels import samples
from tests.delivery.channels.test_several import alerts
from tests.delivery.rendered.pictures import keep_picture
from tests.delivery.rendered.seen import assert_readable, top_of
from tests.delivery.rendered.teams_hosts import LINKS, PAGES, host_config
from tests.support.chromium import missing
from tocsin.console.frame import assets_found
from tocsin.delivery.channels.kit import card
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.message import Message
from tocsin.model import AlertStatus, EventType, Severity

_PACKAGE = Path(str(assets_found.folder())).parent / "node_modules" / "adaptivecards"
SIZES = {"desk": 680, "phone": 340}

RICH = samples.alert(
    title="KubePodCrashLooping: orders-api-7d9f8c6b5-x2x4z in namespace orders-production",
    description="Back-off restarting failed container; see "
    "https://wiki.example.com/incidents/orders-api?tab=history_of_the_last_thirty_days_and_nights.",
    labels={
        "host": "db1.eu-central-1.compute.internal",
        "severity": "critical",
        "alertname": "KubePodCrashLooping",
        "kubernetes_io_managed_by_deployment_revision_of_the_cluster": "a" * 64,
        "image": "registry.example.com/shop/orders_api_server_with_a_long_name:2026.11.21_build.48211",
        "Ein_sehr_langer_Name_ohne_Leerzeichen_" + "x" * 60: "äöü " * 30,
        "logs": "https://logs.example.com/search?query=" + "namespace%3Dorders" * 20,
    },
    metadata={
        "annotations": {
            "runbook_url": "https://runbooks.example.com/orders/crash-looping",
            "dashboardURL": "https://grafana.example.com/d/orders",
        },
        "silenceURL": "https://grafana.example.com/alerting/silence/new",
    },
)


@cache
def _script() -> str:
    path = _PACKAGE / "dist" / "adaptivecards.min.js"
    if not path.exists():
        missing("the package adaptivecards (make install, with Node)")
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    # Links have the colour of what is accented, which the renderer leaves to its host.
    style = "".join(f".{theme} a {{ color: {colour} }}" for theme, colour in LINKS.items())
    page.set_content(
        f"<!doctype html><html><head><style>{style}</style></head><body></body></html>"
    )
    page.evaluate(_script())
    yield page
    context.close()


_SHOW = """
([document_, config, ground, theme]) => {
  const context = new AdaptiveCards.SerializationContext(
    AdaptiveCards.Version.parse(document_.version, new AdaptiveCards.SerializationContext()));
  const card = new AdaptiveCards.AdaptiveCard();
  card.hostConfig = new AdaptiveCards.HostConfig(config);
  card.parse(document_, context);
  const faults = card.validateProperties().validationEvents.map((each) => each.message);
  for (let at = 0; at < context.eventCount; at++) faults.push(context.getEventAt(at).message);
  document.body.className = theme;
  document.body.style.cssText = `margin:0;background:${ground}`;
  document.body.replaceChildren(card.render());
  return faults;
}
"""


def show(page: Page, message: Message, theme: str, size: str, zone: str = "Europe/Vienna") -> None:
    words = describe(message, ZoneInfo(zone), samples.links_for("on-call"))
    _show(page, card.render(words), theme, size)
    name = "rich" if message.alert is RICH else f"{message.event_type.value}-{message.severity}"
    keep_picture(page, f"teams-{name}-{theme}-{size}")


def _show(page: Page, document: dict[str, Any], theme: str, size: str) -> None:
    page.set_viewport_size({"width": SIZES[size], "height": 900})
    faults = page.evaluate(_SHOW, [document, host_config(theme), PAGES[theme], theme])
    # Every second `lang` is refused there, whatever it is: its expression remembers where it was.
    assert set(faults) <= {'Invalid value "en" for property "lang".'}, faults


@pytest.mark.parametrize("theme", list(PAGES))
@pytest.mark.parametrize("size", list(SIZES))
def test_every_card_can_be_read_and_fits(page: Page, theme: str, size: str) -> None:
    of_severity = [samples.message(about=samples.alert(severity=severity)) for severity in Severity]
    of_event = [samples.message(event) for event in EventType]
    rich = samples.message(about=RICH, matched_labels=("image",))
    group = samples.several(alerts(12))
    for message in (*of_severity, *of_event, rich, group):
        show(page, message, theme, size)
        assert_readable(page, ".ac-adaptiveCard")


def test_what_can_be_done_stands_above_the_labels(page: Page) -> None:
    show(page, samples.message(about=RICH), "light", "phone")
    seen = assert_readable(page, ".ac-adaptiveCard")

    title, act = top_of(seen, RICH.title), top_of(seen, "Acknowledge")
    assert title < act < top_of(seen, "host")
    buttons = page.locator(".ac-pushButton").all_inner_texts()
    assert buttons == [
        "Acknowledge",
        "Runbook",
        "Dashboard",
        "Silence",
        "Resolve",
        "Open in Tocsin",
    ]


def test_addresses_can_be_clicked(page: Page) -> None:
    show(page, samples.message(about=RICH), "light", "desk")

    addresses = page.locator(".ac-richTextBlock a").evaluate_all("all => all.map(a => a.href)")
    assert RICH.labels["logs"] in addresses
    assert any(each.startswith("https://wiki.example.com/incidents/") for each in addresses)


def test_the_check_finds_what_cannot_be_read(page: Page) -> None:
    """Teams' own yellow on its own yellow, which said HIGH for long."""
    faint = samples.message(about=samples.alert(severity=Severity.HIGH))
    document = card.render(describe(faint, ZoneInfo("UTC"), samples.links_for("on-call")))
    document["body"][0]["items"][0]["color"] = "Warning"
    _show(page, document, "light", "desk")

    with pytest.raises(AssertionError, match=r"'HIGH · triggered', 1\.[0-9]"):
        assert_readable(page, ".ac-adaptiveCard")


def test_who_has_it_and_what_they_said_is_said(page: Page) -> None:
    taken = samples.alert(status=AlertStatus.ACKNOWLEDGED, acknowledged_at=samples.AT)
    message = samples.message(
        EventType.ACKNOWLEDGED, taken, actor="Ana", said="The disk is being replaced"
    )
    show(page, message, "dark", "phone")

    assert "Acknowledged by Ana" in page.inner_text(".ac-adaptiveCard")
    assert "“The disk is being replaced”" in page.inner_text(".ac-adaptiveCard")
