"""What others make of the same null server: `python peers.py JOB URL NUMBER` prints JSON as ours.py does.

None of them records anything. Streams are read to the end; only the WebSocket client looks into what it gets, as the
last frame can't be told otherwise.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

IN_FLIGHT = 64
_BODY = b'{"request_id":"r-7","session_id":"s-3","message":"Do you have Attack on Titan volume 34 in stock?"}'
_JSON = {"content-type": "application/json"}
_ASKED = [{"role": "user", "content": [{"text": "Do you have Attack on Titan volume 34 in stock?"}]}]

Send = Callable[[], Awaitable[object]]


async def aiohttp_rest(url: str, number: int) -> dict[str, float]:
    """One ClientSession."""
    import aiohttp  # noqa: PLC0415  each peer loads its own library only

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> None:
            async with session.post(url, data=_BODY, headers=_JSON) as answer:
                await answer.read()

        return await _timed(number, send)


async def aiohttp_sse(url: str, number: int) -> dict[str, float]:
    """One ClientSession that reads its streams to the end, and looks at nothing."""
    import aiohttp  # noqa: PLC0415  see above

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> None:
            async with session.post(url, data=_BODY, headers=_JSON) as answer:
                async for _ in answer.content.iter_any():
                    pass

        return await _timed(number, send)


async def httpx_rest(url: str, number: int) -> dict[str, float]:
    """One shared AsyncClient."""
    import httpx  # noqa: PLC0415  see above

    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits, timeout=30) as client:
        return await _timed(number, lambda: client.post(url, content=_BODY, headers=_JSON))


async def websockets_ws(url: str, number: int) -> dict[str, float]:
    """A connection for each of the 64, kept; frames are parsed as JSON up to the last."""
    from websockets.asyncio.client import ClientConnection, connect  # noqa: PLC0415  see above

    lines = [await connect(url, compression=None) for _ in range(IN_FLIGHT)]
    free: list[ClientConnection] = list(lines)

    async def send() -> None:
        line = free.pop()
        await line.send(_BODY.decode())
        async for frame in line:
            if json.loads(frame)["type"] == "done":
                break
        free.append(line)

    try:
        return await _timed(number, send)
    finally:
        await asyncio.gather(*(line.close() for line in lines))


async def aioboto3_converse(url: str, number: int) -> dict[str, float]:
    """One client, its retries off, connections enough."""
    async with _bedrock(url) as client:
        return await _timed(number, lambda: client.converse(modelId="a", messages=_ASKED))


async def aioboto3_converse_stream(url: str, number: int) -> dict[str, float]:
    """The same; each event of a stream is read."""
    async with _bedrock(f"{url}/stream") as client:

        async def send() -> None:
            answer = await client.converse_stream(modelId="a", messages=_ASKED)
            async for _ in answer["stream"]:
                pass

        return await _timed(number, send)


def _bedrock(url: str) -> Any:
    import aioboto3  # noqa: PLC0415  see above
    from botocore.config import Config  # noqa: PLC0415

    return aioboto3.Session(aws_access_key_id="bench", aws_secret_access_key="bench").client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        config=Config(max_pool_connections=IN_FLIGHT, retries={"total_max_attempts": 1}),
    )


async def _timed(number: int, send: Send) -> dict[str, float]:
    left = iter(range(number))

    async def worker() -> None:
        for _ in left:
            await send()

    # Connections and caches first.
    await asyncio.gather(*(send() for _ in range(IN_FLIGHT)))
    cpu_s, began_s = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    took_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    return {"per_s": number / took_s, "cpu_us": used_s / number * 1e6}


JOBS = {
    job.__name__: job
    for job in (aiohttp_rest, aiohttp_sse, httpx_rest, websockets_ws, aioboto3_converse, aioboto3_converse_stream)
}

if __name__ == "__main__":
    print(json.dumps(uvloop.run(JOBS[sys.argv[1]](sys.argv[2], int(sys.argv[3])))))  # noqa: T201  its parent reads it
