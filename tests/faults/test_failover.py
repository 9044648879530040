"""A real Patroni cluster of three, and the leader lost under load: with synchronous replication whatever
was answered 2xx is there afterwards, once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.traffic import Traffic, check_once
from tests.support.node import Node, eventually
from tests.support.patroni import cluster
from tests.support.workspace import Workspace
from tocsin.store.migrate import upgrade


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("spool_bytes", ["0", "16777216"], ids=["refused", "spooled"])
def test_the_leader_is_killed_under_load(tmp_path: Path, spool_bytes: str) -> None:
    with cluster() as made:
        upgrade(made.url)
        workspace = Workspace(made.url)
        workspace.rule(event_types=["alerts.triggered"])
        sender = workspace.sender()
        nodes: list[Node] = []
        traffic = None
        try:
            for name in ("a", "b"):
                (folder := tmp_path / name).mkdir()
                nodes.append(Node(made.url, folder, spool_bytes=spool_bytes))
            traffic = Traffic([node.base_url for node in nodes], sender)
            traffic.goes_on()
            leader = made.leader()
            assert leader is not None
            before = traffic.statuses.copy()
            begun = time.monotonic()
            leader.kill()
            after = made.await_other_leader(leader)
            elected = time.monotonic() - begun
            traffic.is_answered(201, times=50)
            back = time.monotonic() - begun
            traffic.goes_on()
            traffic.end()
            eventually(lambda: _is_drained(tmp_path), "the spools are empty")
        finally:
            if traffic is not None:
                traffic.end()
            for node in nodes:
                node.stop()
        assert after.is_("primary")
        check_once(workspace, traffic)
        meanwhile = traffic.statuses - before
        print(
            f"\nnew leader after {elected:.1f} s, webhooks committed again after {back:.1f} s;"
            f" sent {len(traffic.answered)}, answers from the kill on {dict(meanwhile)};"
            " lost 0, twice 0"
        )
        if spool_bytes != "0":
            assert traffic.statuses[202] > 0


def _is_drained(folder: Path) -> bool:
    return not list(folder.glob("*/spool/*.spool"))
