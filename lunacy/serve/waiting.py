"""Waiting for an answer, but not for ever."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TypeVar

from lunacy.errors import Busy
from lunacy.serve import bounds

_Result = TypeVar("_Result")


async def in_time(future: Future[_Result]) -> _Result:
    """The result, when it is there. Raises Busy when that takes too long.

    A client that leaves takes its question back.
    """
    try:
        async with asyncio.timeout(bounds.WAIT_S):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        raise Busy(f"there was no answer within {bounds.WAIT_S} seconds") from None
