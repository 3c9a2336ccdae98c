"""A server of chat completions with a fixed latency, in a process of its own: what it measures is
the one who asks.

    python -m tests.benchmarks.stub_generator 0.5    # prints its port; GET /figures answers what it counted

It speaks as much HTTP/1.1 as the client needs, with connections that stay open, and answers by
`good` of `tests.planted_generators`. `busy` is the sum of the latencies, `wall` the time from the
first question to the last answer, `most` the questions that were on their way at once, `twice` the
questions asked more than once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter

from tests.planted_generators import good


class Stub:
    """Counts and answers."""

    def __init__(self, latency: float) -> None:
        self.latency, self.busy, self.first, self.last = latency, 0.0, 0.0, 0.0
        self.flying = self.most = 0
        self.asked: Counter[bytes] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        while head := await _head(reader):
            first, _, rest = head.partition("\r\n")
            length = next(
                (
                    int(line[15:])
                    for line in rest.split("\r\n")
                    if line.lower().startswith("content-length:")
                ),
                0,
            )
            body = await reader.readexactly(length)
            content = json.dumps(
                await self.answer(body) if first.startswith("POST") else self.figures()
            ).encode()
            kind = "content-type: application/json"
            writer.write(
                f"HTTP/1.1 200 OK\r\n{kind}\r\ncontent-length: {len(content)}\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        writer.close()

    async def answer(self, body: bytes) -> object:
        """Answer one question once its latency is over."""
        begin = time.monotonic()
        self.first = self.first or begin
        self.flying += 1
        self.most = max(self.most, self.flying)
        self.asked[hashlib.blake2b(body, digest_size=8).digest()] += 1
        answer = good(json.loads(body))
        await asyncio.sleep(max(0.0, self.latency - (time.monotonic() - begin)))
        self.last = time.monotonic()
        self.busy += self.last - begin
        self.flying -= 1
        return answer

    def figures(self) -> dict[str, object]:
        """Say what was counted."""
        twice = sum(count - 1 for count in self.asked.values())
        counted = {"questions": self.asked.total(), "twice": twice, "most": self.most}
        return {
            "object": "list",
            "data": [],
            "busy": self.busy,
            "wall": self.last - self.first,
            **counted,
        }


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return ""


async def _main(latency: float) -> None:
    stub = Stub(latency)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", 0, limit=1 << 22)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(float(sys.argv[1])))
