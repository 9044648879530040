"""One lock keeps changes of configuration and commits of webhooks apart, wherever it is taken."""

from __future__ import annotations

import re
from importlib import resources

from tocsin.store import configuration_lock


def test_the_triggers_take_the_lock_that_the_program_takes() -> None:
    schema = resources.files("tocsin.store").joinpath("migrations/versions/0001_schema.sql")
    keys = re.findall(r"pg_advisory_xact_lock\((\d+)\)", schema.read_text("utf-8"))
    assert [int(key) for key in keys] == [configuration_lock.KEY]
