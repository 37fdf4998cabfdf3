"""JSON as the server sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json_response(record: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`record` as JSON."""
    return Response(orjson.dumps(record), status, headers, "application/json")
