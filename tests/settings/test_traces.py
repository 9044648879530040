"""Where traces go, and what the collector wants besides."""

from __future__ import annotations

import pytest

from tocsin.settings import SettingsError, load


def test_what_a_collector_wants_is_read_and_not_shown() -> None:
    settings = load({"TOCSIN_TRACES_HEADERS": "X-Api-Key = s3cret , tenant=a=b"})
    shown = {name: secret.reveal_text() for name, secret in settings.traces_headers.items()}
    assert shown == {"x-api-key": "s3cret", "tenant": "a=b"}
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("text", ["s3cret", "a b=s3cret", "=s3cret", "a=1,,b=s3cret"])
def test_a_header_that_is_none_is_named_without_its_value(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"TOCSIN_TRACES_HEADERS": text})
    assert "name=value" in str(caught.value)
    assert "s3cret" not in str(caught.value)
