"""What a request asks of the map. All raise UsageError, naming the parameter and what is allowed."""

from __future__ import annotations

import math
import re
from typing import cast

from starlette.requests import Request

from lunacy.draw.palette import COLOURS, GROUNDS, Colour, Ground
from lunacy.errors import UsageError
from lunacy.query.map_view import Box, Months

_NUMBER = re.compile(r"-?\d{1,3}(\.\d{1,20})?(e-\d{1,2})?", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_FARTHEST = 10.0  # from the map, whose sides are 1


def number(request: Request, name: str) -> float:
    """A place or a distance on the map, whose sides are 1."""
    given = _only(request, name)
    if not _NUMBER.fullmatch(given) or not math.fabs(float(given)) <= _FARTHEST:
        raise UsageError(f"{name} is {given[:40]!r}; give a number, such as 0.25, where the map is 1 wide")
    return float(given)


def box(request: Request) -> Box:
    """The rectangle that is asked for."""
    found = Box(*(number(request, name) for name in ("left", "top", "right", "bottom")))
    if found.right < found.left or found.bottom < found.top:
        raise UsageError("the box ends before it begins; give left up to right, and top down to bottom")
    return found


def months(request: Request) -> Months | None:
    """The months that are asked for; None: all."""
    first, last = _month(request, "from"), _month(request, "to")
    if first is None and last is None:
        return None
    return Months(1 if first is None else first, 2**16 - 1 if last is None else last)


def look(request: Request) -> tuple[Colour, Ground]:
    """What colours stand for, and on which ground."""
    return cast(Colour, _one_of(request, "colour", COLOURS)), cast(Ground, _one_of(request, "on", GROUNDS))


def _one_of(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    given = _only(request, name) or allowed[0]
    if given not in allowed:
        raise UsageError(f"{name} {given[:40]!r} is unknown; choose one of {', '.join(allowed)}")
    return given


def _month(request: Request, name: str) -> int | None:
    given = _only(request, name)
    if not given:
        return None
    match = _MONTH.fullmatch(given)
    if match is None:
        raise UsageError(f"{name} is {given[:40]!r}; give a month, such as 2017-06")
    return 12 * int(match[1]) + int(match[2]) - 1


def _only(request: Request, name: str) -> str:
    """The value of a parameter; "" where it is not given."""
    given = request.query_params.getlist(name)
    if len(given) > 1:
        raise UsageError(f"{name} is given {len(given)} times; give it once")
    return given[0] if given else ""
