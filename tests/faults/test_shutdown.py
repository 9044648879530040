"""SIGTERM under load: the server ends by itself, and all it has stored was answered."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp
import pytest

from tests.faults.load import Load, Reply
from tests.support.node import Node, eventually, nodes
from tests.support.workspace import Sender, Workspace


async def _storm(node: Node, sender: Sender) -> list[Reply]:
    answers: list[Reply] = []
    enough = asyncio.Event()

    async def send_on(load: Load, number: int) -> None:
        count = 0
        with suppress(aiohttp.ClientError):
            while True:
                count += 1
                payload = {"title": "T", "sender": number, "count": count}
                answers.append(await load.webhook(node.base_url, sender, payload))
                if len(answers) == 300:
                    enough.set()

    async with Load() as load:
        senders = [asyncio.create_task(send_on(load, number)) for number in range(60)]
        await enough.wait()
        node.begin_stop()
        await asyncio.gather(*senders)
    return answers


@pytest.mark.parametrize(
    "drained", [1, pytest.param(10, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_what_was_taken_is_answered(workspace: Workspace, drained: int) -> None:
    for _ in range(drained):
        sender = workspace.sender()
        with nodes(workspace.url) as (node,):
            answers = await _storm(node, sender)
            assert node.stop() == 0
        assert {each.status for each in answers} <= {201, 503}
        answered = {each.document["delivery_id"] for each in answers if each.status == 201}
        assert {str(row["id"]) for row in workspace.deliveries(sender)} == answered
        assert len(workspace.alerts(sender)) == len(answered)


async def test_a_body_under_way_is_waited_for(workspace: Workspace) -> None:
    sender = workspace.sender()
    body = b'{"title": "T"}'
    head = "".join(
        f"{name}: {value}\r\n"
        for name, value in {**sender.headers(body), "Content-Length": len(body)}.items()
    )

    with nodes(workspace.url) as (node,):
        reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writer.write(f"POST {sender.path} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode() + body[:5])
        await writer.drain()
        await asyncio.sleep(0.2)
        node.begin_stop()
        await asyncio.sleep(0.2)
        writer.write(body[5:])
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 201 ")
        eventually(lambda: node.process.poll() is not None, "the server ends")
    assert len(workspace.alerts(sender)) == 1
