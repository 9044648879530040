"""What `how-to/recipes.md` gives Home Assistant is YAML, and sends what the page sends by hand."""

from __future__ import annotations

import json
import re
from typing import Any

import jinja2
import pytest
import yaml

from tests.support.paths import DOCS

PAGE = (DOCS / "how-to" / "recipes.md").read_text()


class _HomeAssistant(yaml.SafeLoader):
    """Knows `!secret`, as Home Assistant does."""


_HomeAssistant.add_constructor("!secret", lambda loader, node: f"secret {node.value}")


@pytest.fixture(scope="module")
def blocks() -> tuple[Any, Any]:
    configuration, automations = (
        yaml.load(text, _HomeAssistant)
        for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    )
    return configuration, automations


def _posted(configuration: Any, data: dict[str, str]) -> Any:
    environment = jinja2.Environment(autoescape=False)
    environment.filters["to_json"] = json.dumps
    command = configuration["rest_command"]["tocsin"]
    return json.loads(environment.from_string(command["payload"]).render(data))


def test_it_posts_what_the_page_sends_by_hand(blocks: tuple[Any, Any]) -> None:
    configuration, automations = blocks
    by_hand = [json.loads(text) for text in re.findall(r"echo '(.*)' > freezer.json", PAGE)]
    sent = []
    for each in automations:
        (act,) = each["actions"]
        assert act["action"] == "rest_command.tocsin"
        sent.append(_posted(configuration, act["data"]))
    assert sent == by_hand


def test_a_title_may_hold_anything(blocks: tuple[Any, Any]) -> None:
    title = 'The "cold" one\\ is open\n{{ 1 }}'
    data = {"id": "a", "title": title, "severity": "high", "status": "triggered"}
    assert _posted(blocks[0], data) == data


def test_its_token_is_in_the_header_that_the_integration_is_given(blocks: tuple[Any, Any]) -> None:
    (header,) = re.findall(r"signature_header=(\S+)", PAGE)
    assert blocks[0]["rest_command"]["tocsin"]["headers"] == {header: "secret tocsin_token"}
