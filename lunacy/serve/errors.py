"""What the server says of an error: never a path of this machine, and hints in the words of the web."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lunacy.errors import Busy, LunacyError, MissingExtra, ModelError, NotAnId, UnknownPaper, UsageError
from lunacy.serve.api.json_response import json_response

_DESCRIBED = "the parameters are described in /api/openapi.json"
_HINTS: dict[type[Exception], str] = {
    UnknownPaper: "give its title and abstract as text; /api/info says what the index holds",
    NotAnId: "for papers similar to a text, give it as text",
    ModelError: "without the model, ask by id, or give rank=lexical for a text",
    Busy: "ask again in a moment",
    MissingExtra: "",
    UsageError: _DESCRIBED,
}
_OF_STATUS = {
    404: ("NotFound", "there is no such page", "the API is described in /api/openapi.json"),
    405: ("MethodNotAllowed", "this method is not allowed here", "the header Allow names those that are"),
}
_ENDS_CONNECTION = (400, 401, 403, 408, 413)  # what is left of the body is not read


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it leaves the server."""

    status: int
    type: str
    message: str
    hint: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        told = {"message": self.message, "hint": self.hint or None, "status": self.status, "type": self.type}
        return {"error": told}


class Refused(Exception):
    """A request that is refused before anything is asked: forged, too large, too slow, without the token."""

    def __init__(
        self, status: int, kind: str, message: str, hint: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.problem = Problem(status, kind, message, hint, headers or {})


def problem_of(error: Exception) -> Problem:
    """What to say of `error`; of one that nobody foresaw, only that it happened."""
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, LunacyError):
        hint = next((hint for kind, hint in _HINTS.items() if isinstance(error, kind)), "")
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else {}
        return Problem(error.status, type(error).__name__, " ".join(str(error).split()), hint, headers)
    if isinstance(error, HTTPException):
        kind, message, hint = _OF_STATUS.get(error.status_code, ("HttpError", error.detail, ""))
        headers = dict(error.headers or {})
        if "Allow" in headers:
            headers["Allow"] = ", ".join(sorted({*headers["Allow"].split(", "), "OPTIONS"}))
        return Problem(error.status_code, kind, message, hint, headers)
    return Problem(500, "InternalError", "the server failed to answer this; its log says why")


def told(request: Request, error: Exception) -> Response:
    """The answer that tells of `error`: JSON to programs, at /api, /mcp and below /map, else a page."""
    problem = problem_of(error)
    if problem.status in _ENDS_CONNECTION:
        problem.headers["Connection"] = "close"
    if request.method == "OPTIONS" and problem.status == 405:
        return Response(status_code=204, headers=problem.headers)
    if re.match(r"/((api|mcp)(/|$)|map/)", request.scope["path"]):
        return json_response(problem.as_record(), status=problem.status, headers=problem.headers)
    from lunacy.serve.page.problem_page import problem_page  # which needs this module

    return problem_page(request, problem)
