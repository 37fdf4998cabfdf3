"""What an agent waits for, over standard input and output: python -m tests.bench.agents INDEX [CALLS]

Each call beside the same question to a `Service` in this process, in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable
from statistics import quantiles

from mcp import Client, StdioServerParameters

import lunacy
from lunacy.query.service import Service
from lunacy.question import Question
from lunacy.store import Store

_TEXTS = "graph neural networks, dark matter halos, optimal transport, quantum error correction, protein folding".split(
    ", "
)


async def timed(work: Awaitable[object]) -> float:
    """Milliseconds."""
    started_s = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - started_s)


async def measure(index: str, n_calls: int) -> None:
    """Print a line a figure."""
    with Store(index) as store, store.view() as view:
        rows = view.live_rows()
        ids = [paper.id for paper in view.papers(rows[:: max(1, len(rows) // n_calls)][:n_calls])]
    texts = [f"{_TEXTS[n % len(_TEXTS)]} {n}" for n in range(n_calls)]
    server = StdioServerParameters(command=sys.executable, args=["-m", "lunacy", "mcp", "--index", index])
    client = Client(server)
    print(f"start, until the client is connected: {await timed(client.__aenter__()) / 1000:.1f} s")
    print(f"first text, with the wait for the model: {await timed(text(client, 'first')) / 1000:.1f} s")
    with Service([index]) as service:
        service.warm()
        while service.model_state() == "loading":
            await asyncio.sleep(0.1)
        rank = service.best_ranking()

        async def ours(**asked: object) -> None:
            await asyncio.wrap_future(service.ask(Question.parse({**asked, "rank": rank})))

        print(f"{n_calls} calls each, {rank}: p50 and p95 in ms, of the agent | of the service alone")
        pairs = [(await timed(paper(client, one)), await timed(ours(papers=one))) for one in ids]
        print(f"an id:  {spread([one for one, _ in pairs])} | {spread([one for _, one in pairs])}")
        pairs = [(await timed(text(client, one)), await timed(ours(text=one))) for one in texts]
        print(f"a text: {spread([one for one, _ in pairs])} | {spread([one for _, one in pairs])}")
    print(f"end: {await timed(client.__aexit__(None, None, None)):.0f} ms")


async def paper(client: Client, identifier: str) -> None:
    """Papers similar to one."""
    await called(client, "similar_papers", ids=[identifier])


async def text(client: Client, asked: str) -> None:
    """Papers similar to a text."""
    await called(client, "search_text", text=asked)


async def called(client: Client, tool: str, **arguments: object) -> None:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content


def spread(times_ms: list[float]) -> str:
    """The median, and the 95th percentile."""
    cuts = quantiles(times_ms, n=20)
    return f"{cuts[9]:.0f} {cuts[18]:.0f}"


if __name__ == "__main__":
    print(f"lunacy {lunacy.__version__}")
    asyncio.run(measure(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100))
