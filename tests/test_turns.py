"""Work in a thread: each owner has its turn."""

from __future__ import annotations

import asyncio
import threading
from uuid import uuid4

import pytest

from tocsin.turns import OwnersInTurn


async def test_owners_take_turns_however_much_one_of_them_asks() -> None:
    turns, first, second = OwnersInTurn("test"), uuid4(), uuid4()
    done: list[str] = []
    go = threading.Event()
    held = asyncio.create_task(turns.do(first, go.wait))
    many = [asyncio.create_task(turns.do(first, done.append, "first")) for _ in range(20)]
    await asyncio.sleep(0)
    few = [asyncio.create_task(turns.do(second, done.append, "second")) for _ in range(2)]
    await asyncio.sleep(0)
    assert (turns.waiting(first), turns.waiting(second)) == (21, 2)
    go.set()
    await asyncio.gather(held, *many, *few)
    assert done[:4].count("second") == 2, done
    assert (turns.waiting(first), turns.waiting(second)) == (0, 0)


async def test_a_piece_that_fails_or_is_canceled_holds_nobody_up() -> None:
    turns, owner = OwnersInTurn("test"), uuid4()
    go = threading.Event()
    held = asyncio.create_task(turns.do(owner, go.wait))
    waiting = asyncio.create_task(turns.do(owner, int, "1"))
    await asyncio.sleep(0)
    waiting.cancel()
    held.cancel()
    go.set()
    with pytest.raises(ValueError, match="invalid literal"):
        await turns.do(owner, int, "one")
    assert await turns.do(owner, int, "1") == 1
    assert turns.waiting(owner) == 0
