"""Many browsers on one meeting, as far as a server notices: each holds a stream open and reads.

`python -m expansive_cm.bench.watchers HOST PORT PATH < cookies`, one cookie a line; those that
begin with `asks ` ask every few seconds from the first, and so does everybody whose stream is
refused, as a page does (static/js/live.js). Says `ready` when each has its first state, and when
told to end (a line on standard input), what each was sent and when: one JSON object a line. Knows
nothing of Django, so that it costs little itself.
"""

import asyncio
import json
import random
import re
import sys
import time
from typing import Any

from expansive_cm.sure import sure

ITEM = re.compile(rb'"item":(\d+)')
VOTED = re.compile(rb'"tally":"[^}]*?\((\d+) of \d+')


ASKS = "asks "
ASK_SECONDS = 3.5


async def watch(
    address: tuple[str, int], path: str, cookie: str, heard: list[Any], first: Any
) -> None:
    """Hold one stream open and note when each event has arrived completely."""
    if not cookie.startswith(ASKS):
        reader, writer = await asyncio.open_connection(*address, limit=2**22)
        writer.write(request(path, cookie))
        buffer = b""
        while data := await reader.read(2**16):
            buffer += data
            if buffer.startswith(b"HTTP/1.1 503"):
                break
            while (end := buffer.find(b"\n\n")) >= 0:
                event, buffer = buffer[:end], buffer[end + 2 :]
                if b"event: parts" in event:
                    heard.append((time.time(), event))
                    first.set()
        writer.close()
    await ask(address, f"{path}&once=1", cookie.removeprefix(ASKS), heard, first)


def request(path: str, cookie: str) -> bytes:
    """Return a request for this path."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()


async def ask(
    address: tuple[str, int], path: str, cookie: str, heard: list[Any], first: Any
) -> None:
    """Ask again and again; later where there is no room."""
    await asyncio.sleep(random.uniform(0, ASK_SECONDS))  # noqa: S311
    while True:
        reader, writer = await asyncio.open_connection(*address, limit=2**22)
        writer.write(request(path, cookie))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(sure(re.search(rb"content-length: (\d+)", head))[1]))
        writer.close()
        pause = ASK_SECONDS * random.uniform(0.6, 1)  # noqa: S311
        if head.startswith(b"http/1.1 200"):
            heard.append((time.time(), body.replace(b'": ', b'":')))
            first.set()
        else:
            wait = int(sure(re.search(rb"retry-after: (\d+)", head))[1])
            pause = wait * random.uniform(1.6, 2)  # noqa: S311
            heard.append((time.time(), b""))
        await asyncio.sleep(pause)


def told(heard: list) -> list[dict]:
    """Say of each event when it came, for which item, with how many votes, and if it moved on."""
    found = []
    for moment, event in heard:
        item, voted = ITEM.search(event), VOTED.search(event)
        found.append(
            {
                "at": moment,
                "item": int(item[1]) if item else None,
                "voted": int(voted[1]) if voted else None,
                "moved": b'"article":' in event,
                "bytes": len(event),
                "refused": not event,
            }
        )
    return found


async def main(host: str, port: str, path: str) -> None:
    """Open a stream for each cookie, wait to be told to end, and report."""
    loop = asyncio.get_running_loop()
    cookies = []
    while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
        cookies.append(line)
    logs: list[list] = [[] for _cookie in cookies]
    firsts = [asyncio.Event() for _cookie in cookies]
    tasks = [
        asyncio.create_task(watch((host, int(port)), path, *one))
        for one in zip(cookies, logs, firsts, strict=True)
    ]
    streams = [
        one for one, cookie in zip(firsts, cookies, strict=True) if not cookie.startswith(ASKS)
    ]
    await asyncio.gather(*(first.wait() for first in streams))
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    for task in tasks:
        task.cancel()
    for log in logs:
        print(json.dumps(told(log)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
