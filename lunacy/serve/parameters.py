"""Parameters of the web -> a question: one table for query strings, JSON, the page and the description of the API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, Protocol, cast

from lunacy.errors import UsageError
from lunacy.keywords import ids
from lunacy.question import RANKS, RECOMMENDED_DIVERSITY, Question
from lunacy.question import Asked as Keywords
from lunacy.serve import bounds

Kind = Literal["ids", "texts", "text", "whole", "number", "flag"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name on the web, its keyword of `Question`, its type, and its bounds."""

    name: str
    keyword: str  # "": not of the question
    kind: Kind
    about: str
    example: Any
    most: int = 1  # values, of those that may be repeated
    length: int = bounds.WORD  # characters of a value
    least: float | None = None
    greatest: float | None = None
    choices: tuple[str, ...] = ()
    default: Any = None

    @property
    def repeats(self) -> bool:
        """Whether it may be given several times; in JSON as a list."""
        return self.kind in ("ids", "texts")


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        "id",
        "papers",
        "ids",
        "An arXiv id in any form, a link, a DOI of arXiv, or the title of a paper in the index; several, and a text "
        "beside them, give one list of papers similar to each.",
        "1802.05130",
        most=bounds.IDS,
        length=bounds.NAME,
    ),
    Parameter("text", "text", "text", "A text, such as an abstract.", "graph neural networks", length=bounds.TEXT),
    Parameter(
        "not",
        "unlike",
        "ids",
        "An id in any form: push down papers similar to it.",
        "1709.01687",
        most=bounds.UNLIKE,
        length=bounds.NAME,
    ),
    Parameter("top", "top", "whole", "How many hits.", 5, least=1, greatest=bounds.TOP, default=10),
    Parameter(
        "category",
        "category",
        "texts",
        "Only hits of this category (cs.CL), archive (cs) or pattern (hep-*); commas separate several.",
        "cs.*",
        most=bounds.CATEGORIES,
    ),
    Parameter(
        "since",
        "since",
        "text",
        "Only hits posted then or later: 2024-05-31, 2024-05, 2024, or 2y, 6m, 4w, 30d ago.",
        "2017",
    ),
    Parameter("until", "until", "text", "Only hits posted then or before, inclusive.", "2018-02"),
    Parameter("updated_since", "updated_since", "text", "Only hits changed then or later.", "2018-01-01"),
    Parameter(
        "author", "author", "texts", "Only hits by this author; several: by all of them.", "Klein", most=bounds.AUTHORS
    ),
    Parameter(
        "rank",
        "rank",
        "text",
        "By vectors (dense), by vectors and words (hybrid) or by words (lexical); the last two need a lexical index.",
        "dense",
        choices=RANKS,
        default="dense",
    ),
    Parameter(
        "ivf",
        "ivf",
        "flag",
        "Search the approximate index, for one id or text: faster, not always exact.",
        False,
        default=False,
    ),
    Parameter(
        "nprobe", "nprobe", "whole", "With ivf: how many lists to search.", None, least=1, greatest=bounds.NPROBE
    ),
    Parameter("fold", "fold", "flag", "Merge near-duplicates into one hit.", True, default=False),
    Parameter(
        "diverse",
        "diverse",
        "number",
        f"Prefer hits that differ from one another; {RECOMMENDED_DIVERSITY} is recommended.",
        RECOMMENDED_DIVERSITY,
        least=0,
        greatest=1,
        default=0,
    ),
    Parameter(
        "min_score",
        "min_score",
        "number",
        "Only hits with at least this score: a cosine, unless rank or not say otherwise.",
        0.5,
        least=-1_000,
        greatest=1_000,
    ),
    Parameter("include_self", "include_self", "flag", "List the paper itself too, first.", False, default=False),
    Parameter("include_withdrawn", "include_withdrawn", "flag", "List withdrawn papers too.", False, default=False),
    Parameter("index", "", "text", "Which index to ask, as /api/info names it; the first by default.", None),
)
BY_NAME = {one.name: one for one in PARAMETERS}
_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


class Pairs(Protocol):
    """Names and values, such as Starlette's `QueryParams`."""

    def multi_items(self) -> list[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks, and of which index: "" is the first."""

    question: Question
    index: str


def question_of(parameters: Pairs, *, default_rank: str = "dense") -> Asked:
    """What a query string asks. Raises UsageError, naming the parameter and what is allowed."""
    given: dict[str, list[str]] = {}
    for name, value in parameters.multi_items():
        given.setdefault(_known(name), []).append(value)
    return _asked({name: _of_texts(BY_NAME[name], values) for name, values in given.items()}, default_rank)


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


def batch_of_record(record: object) -> tuple[Callable[[Iterable[str]], Question], list[str], str]:
    """The ids of a JSON object for a list each, how to ask for some of them, and the index. Raises UsageError."""
    values = values_of_record(record, most_ids=bounds.BATCH)
    papers = values.pop("id", [])
    if not papers:
        raise UsageError('id is empty; give a list of ids, such as {"id": ["1802.05130", "1801.06294"]}')
    if "text" in values:
        raise UsageError("text is for one list, and a batch has one for each id; leave it out")
    index = values.pop("index", "")
    options = _keywords(values)

    def question(some: Iterable[str]) -> Question:
        return Question(**cast(Keywords, {**options, "papers": list(some)}))

    question(papers[:1])  # what cannot be asked is refused before the first answer
    return question, papers, index


def _asked(values: dict[str, Any], default_rank: str) -> Asked:
    index = values.pop("index", "")
    values.setdefault("rank", default_rank)
    papers, text = values.get("id", []), values.get("text", "").strip()
    if not papers and not text:
        raise UsageError("there is nothing to look for; give id or text")
    if values.get("ivf"):
        if len(papers) + bool(text) > 1:
            raise UsageError("ivf searches for one id or text, not for several together; leave ivf out")
        if len(values.get("not", [])) > 1:
            raise UsageError("ivf goes with one not; leave ivf out, or the others")
    if not text:
        values.pop("text", None)
    if not papers:
        values.pop("id", None)
    return Asked(
        Question(**cast(Keywords, {**_keywords(values), "together": len(papers) > 1 or bool(papers and text)})), index
    )


def _keywords(values: Mapping[str, Any]) -> dict[str, Any]:
    return {BY_NAME[name].keyword: value for name, value in values.items()}


def _known(name: object) -> str:
    if name in BY_NAME:
        return str(name)
    near = get_close_matches(str(name), BY_NAME, n=1)
    raise UsageError(
        f"there is no parameter {str(name)[:40]!r}; "
        + (f"did you mean {near[0]!r}?" if near else f"there are {', '.join(BY_NAME)}")
    )


def _of_texts(one: Parameter, values: list[str]) -> Any:
    """The values of a query string, in their type."""
    if one.repeats:
        return _several(one, values, one.most)
    if len(values) > 1:
        raise UsageError(f"{one.name} is given {len(values)} times; give it once")
    [value] = values
    if one.kind == "flag":
        if value.lower() not in _FLAGS:
            raise _wrong(one, value, "true or false")
        return _FLAGS[value.lower()]
    if one.kind in ("whole", "number"):
        try:
            return _number(one, int(value) if one.kind == "whole" else float(value))
        except ValueError:
            raise _wrong(one, value, _wanted(one)) from None
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
    if one.kind in ("whole", "number"):
        if isinstance(value, bool) or not isinstance(value, int if one.kind == "whole" else int | float):
            raise _wrong(one, value, _wanted(one))
        return _number(one, value)
    if not isinstance(value, str):
        raise _wrong(one, value, "text")
    return _text(one, value)


def _several(one: Parameter, values: list[str], most: int) -> list[str]:
    """Each on its own: ids may stand in one value, with commas or spaces between them."""
    if one.kind == "ids":
        values = [each for value in values for each in ids(one.name, _text(one, value, length=bounds.BODY_BYTES))]
    if len(values) > most:
        raise UsageError(f"{one.name} has {len(values):,} values; give at most {most:,}")
    return [_text(one, value) for value in values]


def _text(one: Parameter, value: str, length: int = 0) -> str:
    if len(value) > (length or one.length):
        raise UsageError(f"{one.name} has {len(value):,} characters; give at most {length or one.length:,}")
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
    return UsageError(f"{one.name} is {str(value)[:40]!r}; give {wanted}")
