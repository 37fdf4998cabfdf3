"""What is asked: one question, checked once, the same from the command line, Python and JSON."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal, Self, TypedDict, Unpack, cast, get_args

from lunacy.errors import UsageError
from lunacy.filter import Filter
from lunacy.keywords import (
    Reader,
    date,
    encodable,
    flag,
    id_set,
    ids,
    number,
    optional,
    read_keywords,
    share_or,
    shows_keywords,
    text,
    texts,
    whole,
    with_keywords,
)

Ranking = Literal["dense", "hybrid", "lexical"]  # by vectors, by both, by words
RANKS: tuple[Ranking, ...] = get_args(Ranking)
SameAuthors = Literal["raise", "drop"]  # what becomes of hits by the same authors
SAME_AUTHORS: tuple[SameAuthors, ...] = get_args(SameAuthors)
RANKED_BY = {"dense": "by vectors", "hybrid": "by vectors and words", "lexical": "by words"}
RECOMMENDED_DIVERSITY = 0.5  # docs/benchmarks.md has what it gains and costs
UNLIKE = 0.5  # weight of the similarity to negative examples
_MOST_DIVERSE = 1000  # hits: choosing them takes time with the square of their number


class Keywords(TypedDict, total=False):
    """The keywords of `Index.similar` and its kin: see `Options`."""

    top: int
    include_self: bool
    include_withdrawn: bool
    ivf: bool
    nprobe: int | None
    rank: Ranking
    min_score: float | None
    unlike: str | Iterable[str] | None
    fold: bool
    diverse: float
    explain: bool
    category: str | Iterable[str] | None
    since: str | int | datetime.date | None
    until: str | int | datetime.date | None
    older: bool
    newer: bool
    updated_since: str | int | datetime.date | None
    author: str | Iterable[str] | None
    same_authors: SameAuthors | None
    only_ids: str | Iterable[str] | None
    not_ids: str | Iterable[str] | None


class Asked(Keywords, total=False):
    """The keywords of `Question`."""

    papers: str | Iterable[str] | None
    text: str
    together: bool


_OPTIONS: dict[str, Reader] = {
    "top": whole,
    "include_self": flag,
    "include_withdrawn": flag,
    "ivf": flag,
    "nprobe": optional(whole),
    "rank": text,
    "min_score": optional(number),
    "unlike": ids,
    "fold": flag,
    "diverse": share_or(RECOMMENDED_DIVERSITY),
    "explain": flag,
    "category": texts,
    "since": date,
    "until": date,
    "older": flag,
    "newer": flag,
    "updated_since": date,
    "author": texts,
    "same_authors": optional(text),
    "only_ids": optional(id_set),
    "not_ids": id_set,
}  # of Keywords
_ASKED: dict[str, Reader] = {**_OPTIONS, "papers": texts, "text": text, "together": flag}  # of Asked


@dataclass(frozen=True, slots=True, init=False)
class Options:
    """How the papers of a list are chosen and ranked.

    - `top`: the number of hits per list.
    - `include_self`: list the paper itself too; not for a text.
    - `include_withdrawn`: list withdrawn papers too.
    - `ivf`: search the approximate index, for one paper or text at a time: faster, not always exact.
    - `nprobe`: with `ivf`, the number of its lists to search; None: enough for its target recall.
    - `rank`: "dense" (by vectors), "hybrid" (by both) or "lexical" (by words); the last two need the lexical index.
    - `min_score`: only hits with at least this score: a cosine, unless `rank`, `unlike` or several papers for one list
      say otherwise.
    - `unlike`: ids; push down papers similar to these.
    - `fold`: merge near-duplicates into one hit: same authors, and one title or a cosine of 0.95.
    - `diverse`: prefer hits that differ from one another, from 0 (not at all) to 1; True is 0.5, which is recommended.
    - `explain`: tell of each hit why it is one, in `Hit.why`; for the closest sentences the index's model is loaded.
    - `category`: only hits in one of these categories, archives or patterns: "cs.CL", "astro-ph", "hep-*".
    - `since`, `until`: only hits posted then, until inclusive: "2024-05-31", "2024-05", "2024", 2024 or a date, or so
      long ago: "2y", "6m", "4w", "30d". Where only the month of a paper is known, any day in it will do.
    - `older`, `newer`: only hits posted no later, or no earlier, than the paper that is asked for: what it could have
      cited, or what came of it. Of several papers for one list: than all of them. A text has no date.
    - `updated_since`: only hits changed then or later; papers without a date of their last change are left out.
    - `author`: only hits by all of these authors: "Hinton", "G. Hinton" or "Hinton, Geoffrey".
    - `same_authors`: what becomes of hits by authors of the papers that are asked for: "raise" ranks them higher,
      "drop" leaves them out.
    - `only_ids`, `not_ids`: only hits, or no hits, among these ids.

    Ids may be in any form. Raises UsageError, naming the keyword and its value, for what cannot be meant.
    """

    top: int = 10
    include_self: bool = False
    include_withdrawn: bool = False
    ivf: bool = False
    nprobe: int | None = None
    rank: str = "dense"
    min_score: float | None = None
    unlike: tuple[str, ...] = ()
    fold: bool = False
    diverse: float = 0.0
    explain: bool = False
    category: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    older: bool = False
    newer: bool = False
    updated_since: str = ""
    author: tuple[str, ...] = ()
    same_authors: str | None = None
    only_ids: frozenset[str] | None = None
    not_ids: frozenset[str] = frozenset()
    filter: Filter = field(init=False, repr=False, compare=False)  # what it says of papers by themselves

    def __init__(self, **keywords: Unpack[Keywords]) -> None:
        _fill(self, read_keywords(keywords, _OPTIONS))

    @property
    def is_plain(self) -> bool:
        """Whether the nearest vectors are all that is asked for."""
        is_raised = self.same_authors == "raise"
        return self.rank == "dense" and not (self.unlike or self.fold or self.diverse or is_raised)

    @property
    def is_relative(self) -> bool:
        """Whether it depends on the papers that are asked for which others may be hits."""
        return self.older or self.newer or self.same_authors == "drop"

    def with_filter(self, wanted: Filter) -> Self:
        """The same with another filter."""
        other = copy(self)
        object.__setattr__(other, "filter", wanted)
        return other

    @property
    def settings(self) -> tuple[Any, ...]:
        """The values of all options: questions in which they are equal can be answered at once."""
        return _settings(self)


def _fill(options: Options, given: Mapping[str, Any]) -> None:
    """Set each field to what is given, or to its default. Raises UsageError for a value that cannot be."""
    for one in fields(options):
        if one.init:
            object.__setattr__(options, one.name, given.get(one.name, one.default))
    _require_sense(options)
    object.__setattr__(options, "filter", Filter(**{name: getattr(options, name) for name in _FILTER}))


def _require_sense(options: Options) -> None:
    """Raises UsageError for a value that cannot be meant, or has no effect beside the others."""
    top, nprobe, least = options.top, options.nprobe, options.min_score
    if top < 1:
        raise UsageError(f"top is {top}; ask for at least 1")
    if options.diverse and top > _MOST_DIVERSE:
        raise UsageError(f"top is {top}; with diverse ask for at most {_MOST_DIVERSE:,}, or leave diverse out")
    if nprobe is not None and not options.ivf:
        raise UsageError(f"nprobe is {nprobe}, which is the number of IVF lists to search; it needs ivf")
    if nprobe is not None and nprobe < 1:
        raise UsageError(f"nprobe is {nprobe}; look into at least 1 list")
    if options.rank not in RANKS:
        raise UsageError(f"rank {options.rank!r} is unknown; choose one of {', '.join(RANKS)}")
    if options.same_authors not in (None, *SAME_AUTHORS):
        raise UsageError(f"same_authors {options.same_authors!r} is unknown; choose one of {', '.join(SAME_AUTHORS)}")
    if options.older and options.newer:
        raise UsageError("older and newer leave nothing but the same day between them; leave one of them out")
    if options.ivf and options.rank == "lexical":
        raise UsageError("ivf searches vectors, and rank lexical goes by words alone; leave one of them out")
    if options.ivf and len(options.unlike) > 1:
        raise UsageError(f"unlike has {len(options.unlike)} papers; ivf goes with one, so leave ivf out")
    if least is not None and least != least:
        raise UsageError("min_score is nan, not a number; give one, such as 0.5")
    most = 1 + UNLIKE * bool(options.unlike)
    if least is not None and options.rank == "dense" and abs(least) > most:
        raise UsageError(
            f"min_score is {least:g}, and scores lie between {-most:g} and {most:g}; give one, such as 0.5"
        )


_FILTER = tuple(one.name for one in fields(Filter) if one.name in _OPTIONS)
_settings = attrgetter(*_OPTIONS)


@dataclass(frozen=True, slots=True)
class Query:
    """What one list is similar to: papers, by their ids in any form, a text, or both."""

    papers: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True, init=False)
class Question(Options):
    """All that can be asked.

    - `papers`: ids in any form: a list of hits for each.
    - `text`: a list of papers similar to this text; with `papers`, one list for all of them and the text.
    - `together`: one list for all papers: what is like them, and unlike papers in general.

    Raises UsageError where there is nothing to look for.
    """

    papers: tuple[str, ...] = ()
    text: str = ""
    together: bool = False

    def __init__(self, **keywords: Unpack[Asked]) -> None:
        given = read_keywords(keywords, _ASKED)
        if not given.get("papers") and not given.get("text", "").strip():
            if "text" in given and "papers" not in given:
                raise UsageError("the text is empty; give some words to compare with")
            raise UsageError("there is nothing to look for; give some papers, or a text")
        _fill(self, given)
        if self.include_self and not self.papers:
            raise UsageError("include_self lists the paper that is asked for, and a text is none; leave it out")
        if (self.older or self.newer) and not self.papers:
            name = "older" if self.older else "newer"
            raise UsageError(f"{name} is than the paper that is asked for, and a text has no date; give since or until")
        if self.same_authors and not self.papers:
            raise UsageError("same_authors is about those of the paper that is asked for, and a text has none")
        if self.ivf and any(len(query.papers) + bool(query.text) > 1 for query in self.queries):
            raise UsageError("ivf searches for one paper or text, not for several together; leave ivf out")
        object.__setattr__(self, "text", encodable(self.text) if self.text.strip() else "")

    @classmethod
    def parse(cls, record: Mapping[str, Any]) -> Question:
        """A question from JSON, such as {"papers": ["1802.05130"], "top": 3}: its keys are the keywords.

        Raises UsageError for an unknown key, naming a near one, and for all that `Question` refuses.

        >>> lunacy.Question.parse({"papers": "1802.05130", "since": 2017}).since
        '2017'
        """
        if not isinstance(record, Mapping):
            raise UsageError(f"a question is a JSON object, not {str(record)[:40]!r}; " + _EXAMPLE)
        return cls(**cast(Asked, {str(name): value for name, value in record.items()}))

    @property
    def queries(self) -> tuple[Query, ...]:
        """What there is a list for: each paper, or all at once."""
        if self.together or self.text or len(self.papers) == 1:
            return (Query(self.papers, self.text),)
        return tuple(Query((paper,)) for paper in self.papers)


shows_keywords(Keywords, Options)(Options.__init__)
shows_keywords(Asked, Question)(Question.__init__)
Question.__doc__ = with_keywords(Question, Options)
_EXAMPLE = 'write it like {"papers": ["1802.05130"], "top": 3}'
