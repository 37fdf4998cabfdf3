"""Parameters of the web -> a question."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Protocol, cast

import orjson

from lunacy.errors import UsageError
from lunacy.keywords import ids
from lunacy.question import Asked as Keywords
from lunacy.question import Question
from lunacy.serve import bounds
from lunacy.serve.parameter_table import BY_NAME, Parameter

_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_NUMBERS: dict[str, tuple[re.Pattern[str], type[int] | type[float]]] = {
    "whole": (re.compile(r"[+-]?\d{1,9}", re.ASCII), int),
    "number": (re.compile(r"[+-]?(\d{1,9}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,2})?", re.ASCII), float),
}


class Pairs(Protocol):
    """Names and values, such as Starlette's `QueryParams`."""

    def multi_items(self) -> list[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, and of which index: "" is the first."""

    question: Question
    index: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a request asks for each of many papers."""

    papers: list[str]
    index: str
    keywords: dict[str, Any]  # of `Question`

    def question(self, papers: list[str]) -> Question:
        """For some of the papers. Raises UsageError."""
        return Question(**cast(Keywords, {**self.keywords, "papers": papers}))


def question_of(parameters: Pairs, *, default_rank: str = "dense", most_ids: int = bounds.IDS) -> Asked:
    """What a query string asks. Raises UsageError, naming the parameter and what is allowed."""
    given: dict[str, list[str]] = {}
    for name, value in parameters.multi_items():
        given.setdefault(_known(name), []).append(value)
    values = {name: _of_texts(BY_NAME[name], each, most_ids) for name, each in given.items()}
    return _asked(values, default_rank)


def question_of_record(record: object, *, default_rank: str = "dense") -> Asked:
    """What a JSON object asks: the same names, lists for what may be repeated. Raises UsageError likewise."""
    return _asked(values_of_record(record), default_rank)


def values_of_record(record: object, *, most_ids: int = bounds.IDS) -> dict[str, Any]:
    """The values of a JSON object, in their types. Raises UsageError likewise."""
    if not isinstance(record, Mapping):
        raise UsageError('the body is not a JSON object; write it like {"id": ["1802.05130"], "top": 3}')
    return {
        name: _of_json(BY_NAME[_known(name)], value, most_ids if name == "id" else None)
        for name, value in record.items()
        if value is not None
    }


def batch_of_record(record: object) -> Batch:
    """What a JSON object asks for each of its ids. Raises UsageError likewise, before anything is answered."""
    values = values_of_record(record, most_ids=bounds.BATCH)
    papers = values.pop("id", [])
    if not papers:
        raise UsageError('id is empty; give a list of ids, such as {"id": ["1802.05130", "1801.06294"]}')
    if "text" in values:
        raise UsageError("text is for one list, and a batch has one for each id; leave it out")
    if values.get("explain"):
        raise UsageError("explain is for one list, and a batch has one for each id; leave it out")
    index = values.pop("index", "")
    batch = Batch(papers, index, _keywords(values, 1))
    batch.question(papers[:1])
    return batch


def _asked(values: dict[str, Any], default_rank: str) -> Asked:
    index = values.pop("index", "")
    papers, text = values.pop("id", []), values.pop("text", "")
    if not papers and not text.strip():
        raise UsageError("there is nothing to look for; give id or text")
    n_together = len(papers) + bool(text.strip())
    keywords = _keywords({"rank": default_rank, **values}, n_together)
    if papers:
        keywords["papers"] = papers
    if text.strip():
        keywords["text"] = text
    return Asked(Question(**cast(Keywords, {**keywords, "together": n_together > 1})), index)


def _keywords(values: Mapping[str, Any], n_together: int) -> dict[str, Any]:
    """The keywords of a question. Raises UsageError for what `Question` would refuse in the words of Python."""
    if values.get("ivf"):
        if n_together > 1:
            raise UsageError("ivf searches for one id or text, not for several together; leave ivf out")
        if len(values.get("not", [])) > 1:
            raise UsageError(f"not has {len(values['not'])} ids; ivf goes with one, so leave ivf out")
    top = values.get("top", BY_NAME["top"].default)
    if values.get("fold") and n_together > 1 and n_together * max(top, bounds.FOLDED_LEAST) > bounds.FOLDED:
        raise UsageError(
            f"fold takes too long with {n_together} papers and {top} hits; ask for fewer, or leave fold out"
        )
    if values.get("explain") and top > bounds.EXPLAINED:
        raise UsageError(f"top is {top}; with explain ask for at most {bounds.EXPLAINED}, or leave explain out")
    return {BY_NAME[name].keyword: value for name, value in values.items()}


def _known(name: object) -> str:
    if name in BY_NAME:
        return str(name)
    near = get_close_matches(str(name), BY_NAME, n=1)
    raise UsageError(
        f"there is no parameter {str(name)[:40]!r}; "
        + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(BY_NAME)}")
    )


def _of_texts(one: Parameter, values: list[str], most_ids: int) -> Any:
    """The values of a query string, in their type."""
    if one.repeats:
        return _several(one, values, most_ids if one.name == "id" else one.most)
    if len(values) > 1:
        raise UsageError(f"{one.name} is given {len(values)} times; give it once")
    [value] = values
    if one.kind == "flag":
        if value.lower() not in _FLAGS:
            raise _wrong(one, value, "true or false")
        return _FLAGS[value.lower()]
    if one.kind in _NUMBERS:
        form, kind = _NUMBERS[one.kind]
        if not form.fullmatch(value):
            raise _wrong(one, value, _wanted(one))
        return _number(one, kind(value))
    return _text(one, value)


def _of_json(one: Parameter, value: Any, most: int | None) -> Any:
    """A value of JSON, in its type: "3" is no number, and 1 no flag."""
    if one.repeats:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
            raise _wrong(one, value, "text, or a list of texts")
        return _several(one, values, most or one.most)
    if one.kind == "flag":
        if not isinstance(value, bool):
            raise _wrong(one, value, "true or false")
        return value
    if one.kind in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int if one.kind == "whole" else int | float):
            raise _wrong(one, value, _wanted(one))
        return _number(one, value)
    if not isinstance(value, str):
        raise _wrong(one, value, "text")
    return _text(one, value)


def _several(one: Parameter, values: list[str], most: int) -> list[str]:
    """Each on its own: ids may stand in one value, with commas or spaces between them."""
    if one.kind == "ids":
        values = [each for value in values for each in ids(one.name, value)]
    if len(values) > most:
        raise UsageError(f"{one.name} has {len(values):,} values; give at most {most:,}")
    return [_text(one, value) for value in values]


def _text(one: Parameter, value: str) -> str:
    if len(value) > one.length:
        raise UsageError(f"{one.name} has {len(value):,} characters; give at most {one.length:,}")
    if one.choices and value not in one.choices:
        raise UsageError(f"{one.name} {value[:40]!r} is unknown; choose one of {', '.join(one.choices)}")
    if one.repeats and not value.strip():
        raise UsageError(f"{one.name} is empty; give one, such as {one.example}, or leave it out")
    return value


def _number(one: Parameter, value: float) -> float:
    assert one.least is not None  # all numbers of the table have bounds
    assert one.greatest is not None
    if not one.least <= value <= one.greatest:  # nan neither
        raise UsageError(f"{one.name} is {value:g}; give {_wanted(one)}")
    return value


def _wanted(one: Parameter) -> str:
    kind = "a whole number" if one.kind == "whole" else "a number"
    return f"{kind} from {one.least:,} to {one.greatest:,}"


def _wrong(one: Parameter, value: object, wanted: str) -> UsageError:
    if isinstance(value, list | dict):
        shown = "a list" if isinstance(value, list) else "an object"
    else:
        shown = orjson.dumps(value)[:40].decode(errors="replace")
    return UsageError(f"{one.name} is {shown}; give {wanted}")
