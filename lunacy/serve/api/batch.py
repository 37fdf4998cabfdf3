"""A list for each of many ids, as lines of JSON that come while the next are sought."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from itertools import islice
from typing import TYPE_CHECKING

import orjson
from starlette.responses import StreamingResponse

from lunacy.answer import Answer
from lunacy.errors import Busy, LunacyError
from lunacy.serve.errors import problem_of
from lunacy.serve.parameters import Batch
from lunacy.serve.waiting import in_time

if TYPE_CHECKING:
    from lunacy.query.service import Service

_AHEAD = 64  # questions that wait at once: the service answers so many together
_ATTEMPTS = 10  # for a question that the service is too busy for


def batch_response(service: Service, batch: Batch) -> StreamingResponse:
    """A line for each id, in order: its answer, or what is wrong with it. Raises UsageError for an unknown index."""
    service.last_commit(batch.index)
    return StreamingResponse(_lines(service, batch), media_type="application/x-ndjson")


async def _lines(service: Service, batch: Batch) -> AsyncIterator[bytes]:
    """Memory is that of `_AHEAD` answers; a client that leaves takes back what it has not got."""
    waiting: deque[tuple[str, Future[Answer]]] = deque()
    papers = iter(batch.papers)
    try:
        while True:
            for paper in islice(papers, _AHEAD - len(waiting)):
                waiting.append((paper, service.ask(batch.question([paper]), batch.index)))
            if not waiting:
                return
            paper, future = waiting.popleft()
            yield orjson.dumps(await _record(service, batch, paper, future), option=orjson.OPT_APPEND_NEWLINE)
    finally:
        for _paper, future in waiting:
            future.cancel()


async def _record(service: Service, batch: Batch, paper: str, future: Future[Answer]) -> dict[str, object]:
    for _attempt in range(_ATTEMPTS):
        try:
            return (await in_time(future)).as_record()
        except Busy as error:
            last: LunacyError = error
            await asyncio.sleep(error.retry_after_s)
            future = service.ask(batch.question([paper]), batch.index)
        except LunacyError as error:
            last = error
            break
    return {"query": {"ids": [paper]}, **problem_of(last).as_record()}
