"""A dispatcher in a process of its own, to be killed; its argument is the database's URL."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from tests.support.outbox import QUICK, dispatching

# Short enough that a killed process's work is taken over within the test, long enough for a send.
TUNING = replace(QUICK, lease_seconds=4.0, poll_seconds=0.2)


async def main(url: str) -> None:
    async with dispatching(url, tuning=TUNING):
        print("up", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
