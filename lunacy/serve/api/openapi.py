"""The description of the API (https://spec.openapis.org/oas/v3.1.1): the parameters are those of the table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from lunacy.serve import bounds
from lunacy.serve.api.schemas import SCHEMAS
from lunacy.serve.parameter_table import PARAMETERS, Parameter

_Object = dict[str, Any]
_TYPES = {"ids": "string", "texts": "string", "text": "string", "whole": "integer", "number": "number"}
_SECURITY: _Object = {"token": {"type": "http", "scheme": "bearer", "description": "Where the server has a token."}}
_REFUSALS = {
    "400": "What is asked cannot be meant; the message names the parameter and what is allowed.",
    "401": "The server asks for its token.",
    "404": "The index has no such paper.",
    "408": f"The body did not come within {bounds.BODY_S} seconds.",
    "413": f"The body has more than {bounds.BODY_BYTES:,} bytes.",
    "500": "The index cannot be read.",
    "503": "Too much is asked at once, or the model is being loaded: ask again after Retry-After seconds.",
}
_TAG = {"ETag": {"description": "Changes with the last commit of the index.", "schema": {"type": "string"}}}


@cache
def description(indexes: tuple[str, ...]) -> _Object:
    """The whole of it; `indexes`: the names of those that there are."""
    one_list, batch = _body(indexes, "Question", bounds.IDS), _body(indexes, "Batch", bounds.BATCH)
    del batch["properties"]["text"]
    batch["required"] = ["id"]
    about = "Finds the arXiv papers most similar to a given one, to a text, or to several papers together."
    return {
        "openapi": "3.1.1",
        "info": {"title": "lunacy", "version": "1", "description": about},
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": _paths(indexes),
        "components": {"schemas": {**SCHEMAS, "Question": one_list, "Batch": batch}, "securitySchemes": _SECURITY},
    }


def _paths(indexes: Sequence[str]) -> _Object:
    answer = _ok(_json("Answer"), "The papers most similar to all that is given, best first.", _TAG)
    lines = _ok({"application/x-ndjson": {"schema": _ref("Line")}}, "A line of JSON for each id, in order.")
    paper = _ok(_json("Paper"), "The paper.", _TAG)
    health = _operation("health", "Say whether the server can answer; no token is needed.", _ok(_json("Health")))
    health["responses"] = {"200": health["responses"]["200"], "503": {**_ok(_json("Health")), "description": "Not."}}
    itself = _ok({"application/json": {"schema": {"type": "object"}}})
    return {
        "/api/similar": {
            "get": _operation("similar", "List the papers similar to all that is given.", answer, _query(indexes)),
            "post": _operation("similarByPost", "The same, for what is long.", answer, body="Question"),
        },
        "/api/batch": {"post": _operation("batch", "A list of similar papers for each id.", lines, body="Batch")},
        "/api/paper/{id}": {
            "get": _operation("paper", "Show a paper.", paper, [_PAPER_ID, *_query(indexes, "index")]),
        },
        "/api/info": {"get": _operation("info", "Show what the indexes hold.", _ok(_json("Indexes")))},
        "/api/health": {"get": {**health, "security": []}},
        "/api/openapi.json": {"get": _operation("openapi", "Describe this API.", itself)},
    }


_NOT_MODIFIED = {"304": {"description": "What the client has, by If-None-Match, is still the answer."}}
_PAPER_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "An arXiv id in any form, or a title; slashes need no escape.",
    "schema": {"type": "string"},
    "example": "1802.05130",
}


def _operation(name: str, about: str, ok: _Object, parameters: Sequence[_Object] = (), *, body: str = "") -> _Object:
    refused = {status: {"description": told, "content": _json("Error")} for status, told in _REFUSALS.items()}
    request = {"requestBody": {"required": True, "content": _json(body)}} if body else {}
    return {
        "operationId": name,
        "summary": about,
        "parameters": list(parameters),
        **request,
        "responses": {"200": ok, **(_NOT_MODIFIED if "headers" in ok and not body else {}), **refused},
    }


def _query(indexes: Sequence[str], *names: str) -> list[_Object]:
    """The parameters of a query string; `names`: only these."""
    return [
        {
            "name": one.name,
            "in": "query",
            "description": one.about,
            "schema": schema_of(one, indexes),
            **({"style": "form", "explode": True} if one.repeats else {}),
            **({} if one.example is None else {"example": [one.example] if one.repeats else one.example}),
        }
        for one in PARAMETERS
        if one.name in (names or one.name)
    ]


def _body(indexes: Sequence[str], title: str, most_ids: int) -> _Object:
    """The schema of a JSON object with the parameters."""
    properties = {one.name: {**schema_of(one, indexes), "description": one.about} for one in PARAMETERS}
    properties["id"]["maxItems"] = most_ids
    for one in PARAMETERS:
        if one.repeats:
            about = properties[one.name].pop("description")
            several = properties[one.name]
            properties[one.name] = {"description": about, "oneOf": [several["items"], several]}
    return {"title": title, "type": "object", "additionalProperties": False, "properties": properties}


def schema_of(one: Parameter, indexes: Sequence[str]) -> _Object:
    """The schema of a parameter's value."""
    value: _Object = {"type": _TYPES.get(one.kind, "boolean")}
    if value["type"] == "string":
        value |= {"enum": list(one.choices)} if one.choices else {"maxLength": one.length}
        value |= {"enum": list(indexes)} if one.name == "index" else {}
    if one.least is not None:
        value |= {"minimum": one.least, "maximum": one.greatest}
    if one.repeats:
        return {"type": "array", "items": {**value, "minLength": 1}, "maxItems": one.most}
    return value if one.default is None else {**value, "default": one.default}


def _ok(content: _Object, about: str = "It is done.", headers: _Object | None = None) -> _Object:
    return {"description": about, "content": content, **({"headers": headers} if headers else {})}


def _json(schema: str) -> _Object:
    return {"application/json": {"schema": _ref(schema)}}


def _ref(schema: str) -> _Object:
    return {"$ref": f"#/components/schemas/{schema}"}
