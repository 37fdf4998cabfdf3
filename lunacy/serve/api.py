"""The API: questions over HTTP, answers as JSON."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lunacy.errors import Busy, UsageError
from lunacy.serve import bounds
from lunacy.serve.json_response import json_response
from lunacy.serve.parameters import Asked, question_of, question_of_record

if TYPE_CHECKING:
    from lunacy.query.service import Service

_Result = TypeVar("_Result")


def api_routes(service: Service) -> list[BaseRoute]:
    """The routes of the API."""

    async def similar(request: Request) -> Response:
        asked = await _asked(request)
        answer = await in_time(service.ask(asked.question, asked.index))
        return json_response(answer.as_record())

    return [Route("/api/similar", similar, methods=["GET", "POST"])]


async def in_time(future: Future[_Result]) -> _Result:
    """The result, when it is there. Raises Busy when that takes too long."""
    try:
        async with asyncio.timeout(bounds.WAIT_S):
            return await asyncio.wrap_future(future)
    except TimeoutError:
        raise Busy(f"there was no answer within {bounds.WAIT_S} seconds") from None


async def _asked(request: Request) -> Asked:
    if request.method == "POST":
        return question_of_record(await read_json(request))
    return question_of(request.query_params)


async def read_json(request: Request) -> object:
    """The body. Raises UsageError for what is no JSON."""
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise UsageError(f"the body is not JSON: {error}") from None
