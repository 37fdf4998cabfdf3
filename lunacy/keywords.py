"""Check the types of keywords, of Python or JSON: the right type comes out, or a UsageError that names the keyword.

And let Python list them.
"""

from __future__ import annotations

import datetime
import inspect
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from numbers import Real
from typing import Any, TypeVar, cast, get_type_hints

from lunacy.dates import resolve_date
from lunacy.errors import UsageError
from lunacy.paper import canonical_id

Reader = Callable[[str, Any], Any]  # name and value -> the value in its type
_Function = TypeVar("_Function", bound=Callable[..., Any])


def read_keywords(given: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Each given value in its type. Raises UsageError for an unknown name, with a near one, or for another type."""
    for name in given:
        if name not in readers:
            near = get_close_matches(name, readers, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(readers)}"
            raise UsageError(f"there is no option {name!r}; {hint}")
    return {name: readers[name](name, value) for name, value in given.items()}


def shows_keywords(keywords: type, options: type) -> Callable[[_Function], _Function]:
    """Let help() and completion list what `**` takes: the names in `keywords`, as `options` explains them.

    Type checkers know them from `Unpack`.
    """

    def decorated(function: _Function) -> _Function:
        signature = inspect.signature(function)
        taken = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        defaults = {one.name: one.default for one in fields(options)}
        named = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=kind)
            for name, kind in get_type_hints(keywords).items()
        ]
        cast(Any, function).__signature__ = signature.replace(parameters=[*taken, *named])
        function.__doc__ = with_keywords(function, options)
        return function

    return decorated


def with_keywords(one: Any, options: type) -> str | None:
    """The docstring of `one`, and what that of `options` says behind its first line. `python -OO` has none."""
    if not (one.__doc__ and options.__doc__):
        return None
    _first, _blank, listed = inspect.cleandoc(options.__doc__).partition("\n\n")
    return f"{inspect.cleandoc(one.__doc__)}\n\nKeywords:\n\n{listed}"


def optional(reader: Reader) -> Reader:
    """As `reader`, or None."""
    return lambda name, value: None if value is None else reader(name, value)


def whole(name: str, value: Any) -> int:
    """A whole number, of Python or NumPy."""
    if not _is_flag(value):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise _wrong(name, value, "a whole number")


def number(name: str, value: Any) -> float:
    """A number, of Python or NumPy."""
    if isinstance(value, Real) and not _is_flag(value):
        return float(value)
    raise _wrong(name, value, "a number")


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if _is_flag(value):
        return bool(value)
    raise _wrong(name, value, "True or False")


def share_or(usual: float) -> Reader:
    """A number from 0 to 1; True is the usual one, False and None are 0."""

    def read(name: str, value: Any) -> float:
        if value is None or _is_flag(value):
            return usual if value else 0.0
        share = number(name, value)
        if not 0 <= share <= 1:
            raise UsageError(f"{name} is {share:g}; give a number from 0 to 1, such as {usual:g}")
        return share

    return read


def text(name: str, value: Any) -> str:
    """A text."""
    if isinstance(value, str):
        return value
    raise _wrong(name, value, "text")


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A text or several; none for None."""
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, bytes | bytearray):
        return tuple(text(f"one of {name}", one) for one in value)
    raise _wrong(name, value, "text, or a list of texts")


def ids(name: str, value: Any) -> tuple[str, ...]:
    """Ids in any form, of which a text may hold several; none for None."""
    return tuple(one for each in texts(name, value) for one in _split(each))


def id_set(name: str, value: Any) -> frozenset[str]:
    """Ids in any form, as arXiv writes them; none for None."""
    return frozenset(map(canonical, ids(name, value)))


def canonical(text: str) -> str:
    """The id in `text`, in any form; what is none is looked up as it stands."""
    return canonical_id(text) or encodable(text.strip())


def encodable(text: str) -> str:
    """`text` as UTF-8 can have it. In the C locale an argument comes with surrogates in the place of its bytes."""
    try:
        return text.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:  # surrogates of another kind
        return text.encode(errors="replace").decode()


def _split(text: str) -> list[str]:
    """The ids in a text that is no id but holds several; else the text."""
    pieces = re.split(r"[\s,;]+", text.strip())
    return [text] if canonical_id(text) or not all(map(canonical_id, pieces)) else pieces


def date(name: str, value: Any) -> str:
    """A date as ISO text: from text, a year or a `datetime.date`, or from how long ago it was; "" for None."""
    if value is None:
        return ""
    if isinstance(value, datetime.date):
        return value.isoformat()[:10]  # of a datetime too
    if isinstance(value, str):
        return resolve_date(value)
    try:
        return str(whole(name, value))
    except UsageError:
        raise _wrong(name, value, "a date, such as '2024-05-31', '2024', '2y' or a datetime.date") from None


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool"  # NumPy's


def _wrong(name: str, value: Any, wanted: str) -> UsageError:
    kind = type(value).__name__
    return UsageError(f"{name} is {str(value)[:40]!r}, of type {kind}; give {wanted}")
