"""The API: questions over HTTP, answers as JSON."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from lunacy.answer import Info, paper_record
from lunacy.errors import LunacyError, UsageError
from lunacy.serve.api.batch import batch_response
from lunacy.serve.api.json_response import json_response
from lunacy.serve.api.openapi import description
from lunacy.serve.errors import problem_of
from lunacy.serve.freshness import entity_tag, is_known, not_modified
from lunacy.serve.parameters import Asked, batch_of_record, question_of, question_of_record
from lunacy.serve.waiting import in_time

if TYPE_CHECKING:
    from lunacy.query.service import Service

_TEXT_STATES = ("failed", "loading", "ready")  # the worst first


def api_routes(service: Service) -> list[BaseRoute]:
    """The routes of the API over `service`."""

    async def similar(request: Request) -> Response:
        asked = await _asked(request)
        tag = entity_tag(service, asked.index, asked.question)
        if is_known(request, tag):
            return not_modified(tag)
        answer = await in_time(service.ask(asked.question, asked.index))
        return json_response(answer.as_record(), headers={"ETag": tag})

    async def batch(request: Request) -> Response:
        return batch_response(service, batch_of_record(await _body(request)))

    async def paper(request: Request) -> Response:
        index = _index(request)
        identifier = request.path_params["id"]
        tag = entity_tag(service, index, identifier)
        if is_known(request, tag):
            return not_modified(tag)
        found = await in_time(service.paper(identifier, index))
        return json_response(paper_record(found, is_whole=True), headers={"ETag": tag})

    async def info(request: Request) -> Response:
        _require_known(request, ())
        return json_response({"indexes": [await _info_record(service, name) for name in service.names]})

    async def health(_request: Request) -> Response:
        try:
            for name in service.names:
                await in_time(service.info(name))
        except (LunacyError, OSError) as error:
            return json_response({"status": "failed", "model": None, "error": type(error).__name__}, status=503)
        states = [service.model_state(name) for name in service.names]
        return json_response({"status": "ok", "model": min(states, key=_TEXT_STATES.index)})

    async def openapi(_request: Request) -> Response:
        return json_response(description(service.names))

    return [
        Route("/api/similar", similar, methods=["GET", "POST"]),
        Route("/api/batch", batch, methods=["POST"]),
        Route("/api/paper/{id:path}", paper),
        Route("/api/info", info),
        Route("/api/health", health),
        Route("/api/openapi.json", openapi),
    ]


async def _asked(request: Request) -> Asked:
    if request.method == "POST":
        return question_of_record(await _body(request))
    return question_of(request.query_params)


async def _body(request: Request) -> object:
    """The JSON of the body. Raises UsageError for what is none, and for parameters in the address beside it."""
    _require_known(request, ())
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise UsageError(f"the body is not JSON: {error}") from None


def _index(request: Request) -> str:
    _require_known(request, ("index",))
    given = request.query_params.getlist("index")
    if len(given) > 1:
        raise UsageError(f"index is given {len(given)} times; give it once")
    return given[0] if given else ""


def _require_known(request: Request, names: Collection[str]) -> None:
    """Raises UsageError for a parameter in the address that has no effect."""
    for name in request.query_params:
        if name not in names:
            allowed = f"there is {', '.join(names)}" if names else "it takes none in the address"
            raise UsageError(f"{request.scope['path']} has no parameter {name[:40]!r}; {allowed}")


async def _info_record(service: Service, name: str) -> dict[str, object]:
    """An index as JSON has it, without what lies where on this machine; or why it cannot be read."""
    try:
        info, ranking = await in_time(service.info(name)), service.best_ranking(name)
    except (LunacyError, OSError) as error:
        return {"name": name, **problem_of(error).as_record()}
    return {"name": name, "model_state": service.model_state(name), "ranking": ranking, **_public(info)}


def _public(info: Info) -> dict[str, object]:
    record = info.as_record()
    del record["folder"], record["foreign"]
    model = info.fingerprint.model
    made_by = record["fingerprint"]
    assert isinstance(made_by, dict)
    made_by["model"] = os.path.basename(model) if os.path.isabs(model) else model
    return record
