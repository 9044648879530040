"""Mails as a browser shows them, light and dark, as narrow as on a phone and as wide as on a desk."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page

from tests.delivery.channels import samples
from tests.delivery.channels.test_several import alerts
from tests.delivery.rendered.pictures import keep_picture
from tests.delivery.rendered.seen import assert_readable, top_of
from tests.delivery.rendered.test_teams_card import RICH
from tocsin.delivery.channels.kit import mail
from tocsin.delivery.channels.kit.message_words import describe
from tocsin.message import Message
from tocsin.model import EventType, Severity

ADA = "ada@example.com"


@pytest.fixture(scope="module", params=["light", "dark"])
def page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = chromium.new_context(color_scheme=request.param)
    yield context.new_page()
    context.close()


def show(page: Page, message: Message, width: int) -> None:
    words = describe(message, ZoneInfo("Europe/Vienna"), samples.links_for(ADA))
    page.set_viewport_size({"width": width, "height": 900})
    page.set_content(mail.html(words, ADA))
    theme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
    name = "rich" if message.alert is RICH else f"{message.event_type.value}-{message.severity}"
    keep_picture(page, f"mail-{name}-{theme}-{width}")


@pytest.mark.parametrize("width", [390, 1_000])
def test_every_mail_can_be_read_and_fits(page: Page, width: int) -> None:
    of_severity = [samples.message(about=samples.alert(severity=severity)) for severity in Severity]
    of_event = [samples.message(event) for event in EventType]
    rich = samples.message(about=RICH, matched_labels=("image",))
    for message in (*of_severity, *of_event, rich, samples.several(alerts(12))):
        show(page, message, width)
        assert_readable(page, "body")


def test_what_can_be_done_stands_above_the_labels(page: Page) -> None:
    show(page, samples.message(about=RICH), 390)
    seen = assert_readable(page, "body")

    title, act = top_of(seen, RICH.title), top_of(seen, "Acknowledge")
    assert title < act < top_of(seen, "host")
    addresses = page.locator("a").evaluate_all("all => all.map(a => a.href)")
    assert RICH.labels["logs"] in addresses
