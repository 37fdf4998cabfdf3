"""An answer as the page shows it: where each link leads, and how each number reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lunacy.answer import Answer, Hit, Info
from lunacy.display import harmless
from lunacy.formats import OF_SUFFIX
from lunacy.paper import Paper
from lunacy.serve import bounds
from lunacy.serve.page.address import Address
from lunacy.serve.page.html import count
from lunacy.serve.page.shelf import list_url, lists_in

RANKINGS = {"hybrid": "meaning and words", "dense": "meaning", "lexical": "words"}
TIMES = {"": "any time", "older": "older", "newer": "newer"}  # than what is asked for
EXPORTS = {"bib": "BibTeX", "ris": "RIS", "csv": "CSV", "json": "JSON", "md": "Markdown"}
assert {f".{suffix}" for suffix in EXPORTS} <= OF_SUFFIX.keys()
_WITH_REASONS = ("json", "md")
_STEP = 20  # hits that "more results" adds
_ONLY_ONE = ("ivf", "nprobe")  # go with one paper or text
_WORDS = {
    "not": "less like {}",
    "category": "in {}",
    "author": "by {}",
    "since": "since {}",
    "until": "until {}",
    "updated_since": "changed since {}",
    "min_score": "score from {}",
    "explain": "with reasons",
}
_LONGEST, _LONGEST_HEADING = 60, 120  # characters, of a chip and of a text


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of the question, and the question without it."""

    words: str
    url: str


@dataclass(frozen=True, slots=True)
class Part:
    """One number of a hit: what it is, as text, and how long its bar is."""

    name: str
    number: str
    share: float


@dataclass(frozen=True, slots=True)
class Listed:
    """A hit with its links; "" where a bound forbids one."""

    hit: Hit
    parts: tuple[Part, ...]
    similar_url: str
    more_url: str
    less_url: str
    why_url: str  # of the same list with reasons; "" where it has them
    near: tuple[tuple[str, str], ...]  # titles of the papers asked for that it is nearest to, and the cosines


@dataclass(frozen=True, slots=True)
class Results:
    """All that the page has beside the papers themselves."""

    papers: list[Paper]  # that are asked for, but for those of lists
    lists: list[tuple[str, str]]  # that are asked for: name, URL
    heading: str  # where no single paper is asked for
    is_text_in_heading: bool
    summary: str  # how many, of how many, and how sure
    without_url: dict[str, str]  # of each paper of several, by id: the question without it
    without_text_url: str  # "" where the text is all that is asked
    hits: list[Listed]
    chips: list[Chip]
    rankings: list[tuple[str, str, bool]]  # words, URL, whether it is this one
    times: list[tuple[str, str, bool]]  # the same, of when hits were posted
    exports: list[tuple[str, str]]  # name, URL
    more_url: str  # "" where there are no more
    is_least_shown: bool  # whether `not` lowers the scores


def results_of(answer: Answer, address: Address, root: str, *, info: Info | None, titles: Mapping[str, str]) -> Results:
    """`info`: of the index that answered. `titles`: of the papers that chips name, by id."""
    page = f"{root}/similar"
    top = int(address.first("top") or 10)
    wider = min(top + _STEP, bounds.TOP)
    longer = address.set("top", wider)
    if wider > bounds.EXPLAINED:
        longer = longer.minus("explain")
    more = f"{longer.url(page)}#hit-{top + 1}" if len(answer.hits) == top < wider else ""
    first = address.minus("top")
    most_words = max((hit.lexical or 0.0 for hit in answer.hits), default=0.0) or max(_scores(answer), default=1.0)
    is_several = len(answer.papers) + bool(answer.text) > 1
    lists = lists_in(address)
    asked = set(address.all("id"))
    papers = [one for one in answer.papers if not lists or answer.paper or one.id in asked]
    return Results(
        papers=papers,
        lists=[(name, list_url(name, root, address.first("index"))) for name in lists],
        heading=_heading(answer, lists, len(papers)),
        is_text_in_heading=_is_short(answer),
        summary=_summary(answer, info.summary.n_papers if info else None),
        without_url={one.id: first.minus("id", one.id).url(page) for one in papers if is_several},
        without_text_url=first.minus("text").url(page) if is_several else "",
        hits=[_listed(hit, answer, address, page, most_words) for hit in answer.hits],
        chips=list(_chips(first, page, titles)),
        rankings=[
            (words, first.set("rank", name).url(page), name == answer.ranking) for name, words in RANKINGS.items()
        ]
        if info and info.has_words
        else [],
        times=list(_times(first, page)) if answer.papers else [],
        exports=[(name, _export(address, suffix).url(f"{page}.{suffix}")) for suffix, name in EXPORTS.items()],
        more_url=more,
        is_least_shown=bool(address.all("not")),
    )


def _times(address: Address, page: str) -> Iterator[tuple[str, str, bool]]:
    """Which papers are listed, by when they were posted: all, or those on one side of what is asked for."""
    now = next((name for name in TIMES if name and address.first(name) not in ("", "false")), "")
    whenever = address.minus("older").minus("newer")
    for name, words in TIMES.items():
        yield words, (whenever.set(name, "true") if name else whenever).url(page), name == now


def _listed(hit: Hit, answer: Answer, address: Address, page: str, most_words: float) -> Listed:
    asked = {paper.id: paper.title for paper in answer.papers}
    first = address.minus("top")
    alone = first.minus("id").minus("text").minus("not")
    several = first
    for name in _ONLY_ONE:
        several = several.minus(name)
    n_ids, n_unlike = len(address.all("id")), len(address.all("not"))
    return Listed(
        hit,
        tuple(_parts(hit, answer, most_words)),
        alone.plus("id", hit.id).url(page),
        several.plus("id", hit.id).url(page) if n_ids < bounds.IDS else "",
        several.plus("not", hit.id).url(page) if n_unlike < bounds.UNLIKE else "",
        _why_url(hit, address, page),
        tuple((asked.get(one.id, one.id), f"{one.cosine:.2f}") for one in hit.near),
    )


def _why_url(hit: Hit, address: Address, page: str) -> str:
    """Where the hit stands with its reasons; "" where it has them, and too far down for any."""
    if hit.why or hit.rank > bounds.EXPLAINED:
        return ""
    if int(address.first("top") or 0) > bounds.EXPLAINED:
        address = address.set("top", bounds.EXPLAINED)
    return f"{address.set('explain', 'true').url(page)}#why-{hit.rank}"


def _export(address: Address, suffix: str) -> Address:
    """Without reasons where the file has no place for them."""
    return address if suffix in _WITH_REASONS else address.minus("explain")


def _parts(hit: Hit, answer: Answer, most_words: float) -> Iterator[Part]:
    if answer.ranking == "dense":
        yield Part("similarity", f"{hit.score:.3f}", hit.score)
        return
    if hit.cosine is not None:
        yield Part("meaning", f"{hit.cosine:.3f}", hit.cosine)
    by_words = hit.score if hit.lexical is None else hit.lexical
    yield Part("words", f"{by_words:.0f}", by_words / (most_words or 1.0))


def _scores(answer: Answer) -> list[float]:
    return [hit.score for hit in answer.hits]


def _is_short(answer: Answer) -> bool:
    """Whether a text stands alone, and fits into the heading."""
    return 0 < len(answer.text) <= _LONGEST_HEADING and not answer.papers


def _heading(answer: Answer, lists: Sequence[str], n: int) -> str:
    """`n`: papers that are on none of the `lists`."""
    if _is_short(answer):
        return f"Similar to \N{LEFT DOUBLE QUOTATION MARK}{harmless(answer.text)}\N{RIGHT DOUBLE QUOTATION MARK}"
    papers = "" if not n else "a paper" if n == 1 else "both papers" if n == 2 and not lists else f"{n} papers"
    parts = [*(f"the papers of {name}" for name in lists), papers, "a text" if answer.text else ""]
    return f"Similar to {' and '.join(filter(None, parts))}"


def _summary(answer: Answer, n_papers: int | None) -> str:
    n = len(answer.hits)
    of = "" if n_papers is None else f" of {count(n_papers, 'paper')}"
    if answer.n_qualified is not None:
        of = f" of {count(answer.n_qualified, 'paper that qualifies', 'papers that qualify')}"
    best = f"The best{'' if n == 1 else f' {n}'}{of}"
    if answer.recall is None:
        return f"{best}, exactly."
    return f"{best}; approximate, with {100 * answer.recall:.0f} % of the true best on average."


def _chips(address: Address, page: str, titles: Mapping[str, str]) -> Iterator[Chip]:
    """The conditions, each with the question without it."""
    for name, value in address.items:
        if name not in ("id", "text", "rank", "index", *TIMES):
            shown = titles.get(value, value) if name == "not" else value
            shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST].rstrip()} …"
            words = _WORDS.get(name, f"{name.replace('_', ' ')}: {{}}").replace("{}", shown)
            yield Chip(words, address.minus(name, value).url(page))
