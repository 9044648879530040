"""What an integration's page tells to do in the tool."""

import re
from html import unescape

import pytest

from tests.support.paths import DOCS
from tocsin.console.integrations.setup_guides import steps
from tocsin.ingest.sources.registry import SOURCES

BASE = "https://alerts.corp.example"
ADDRESS = f"{BASE}/webhooks/0192-ab/once"
WITH_STEPS = sorted(source for source in SOURCES if steps(source, ADDRESS, BASE) is not None)
OTHER_ADDRESS = {"opsgenie", "pagerduty_events", "prometheus", "standard_webhooks"}


def shown(source: str) -> str:
    return unescape(str(steps(source, ADDRESS, BASE)))


def to_paste(source: str) -> dict[str, str]:
    """Heading and code of each section of a page that is there to be pasted."""
    page = (DOCS / "sources" / f"{source}.md").read_text(encoding="utf-8")
    sections = (part.split("\n", 1) for part in re.split(r"^## ", page, flags=re.MULTILINE))
    return {
        heading: text.split("```")[1].split("\n", 1)[1]
        for heading, text in sections
        if heading.endswith((" to paste", " to enter"))
    }


@pytest.mark.parametrize("source", WITH_STEPS)
def test_the_steps_name_this_installation_and_no_other(source: str) -> None:
    assert "https://tocsin.example.com" not in shown(source)
    assert ADDRESS in shown(source) or source in OTHER_ADDRESS


@pytest.mark.parametrize("source", WITH_STEPS)
def test_what_is_to_be_pasted_is_shown_whole_with_the_steps(source: str) -> None:
    for heading, code in to_paste(source).items():
        _, below = shown(source).split(f"<h2>{heading}</h2>")
        for example in re.findall(r"https://tocsin\.example\.com/webhooks/<integration id>", code):
            code = code.replace(example, ADDRESS)
        assert code in below


def test_steps_that_point_below_have_something_there() -> None:
    what = r"\b(?:template|script|function|step|payload|configuration) below\b"
    pointing = {source for source in WITH_STEPS if re.search(what, shown(source))}
    assert {"nagios", "wazuh", "librenms", "netdata", "datadog"} <= pointing
    assert [source for source in pointing if not to_paste(source)] == []


def test_code_that_scrolls_can_be_reached_by_keyboard() -> None:
    code = re.findall(r"<pre[^>]*>", str(steps("zabbix", ADDRESS, BASE)))
    assert code == ['<pre tabindex="0">'] * 2


def test_the_rest_of_the_page_is_not_shown() -> None:
    assert "What becomes what" not in shown("zabbix")
    assert "Not verified" not in shown("zabbix")
