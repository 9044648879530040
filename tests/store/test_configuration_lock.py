"""One lock keeps changes of configuration and commits of webhooks apart, wherever it is taken."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from tocsin.store.statements import CONFIGURATION_LOCK, statement

_LOCK = re.compile(r"pg_advisory_xact_lock(?:_shared)?\((\d+)\)")


def test_the_triggers_take_the_lock_that_the_program_takes() -> None:
    schema = resources.files("tocsin.store").joinpath("migrations/versions/0001_schema.sql")
    assert _LOCK.findall(schema.read_text("utf-8")) == [str(CONFIGURATION_LOCK)]


@pytest.mark.parametrize("name", ["lock_configuration", "hold_configuration"])
def test_sharing_and_holding_it_name_the_same_lock(name: str) -> None:
    assert _LOCK.findall(statement(name).decode()) == [str(CONFIGURATION_LOCK)]
