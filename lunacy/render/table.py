"""Answers and papers for people: tables that fit the width of a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lunacy.answer import Answer, Hit
from lunacy.authors import first_authors
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.question import RANKED_BY
from lunacy.region import Standing
from lunacy.render.why import why_lines
from lunacy.render.wrapping import joined, shortened, width_of, wrapped
from lunacy.unicode import to_unicode
from lunacy.withdrawn import is_withdrawn

_LONGEST = 400  # characters of a title
_LEAST = 20  # columns for a text, however narrow the terminal
_MOST_IDS = 3  # in a heading
_WIDEST = 100  # columns of an abstract: longer lines are hard to read
_INDENT = 5
_BOLD, _DIM = "1", "2"


def answer_table(answer: Answer, *, width: int, styled: bool) -> str:
    """A heading; for each hit rank, score, id and title, then authors, year, categories, and the link; the notes, and
    by what the hits are ranked.

    `styled`: in bold and dim letters, and the id is a link, as terminals have them (OSC 8).
    """
    lines = list(_heading(answer, width, styled=styled))
    scores = [f"{hit.score:.3f}" for hit in answer.hits]
    widths = max(map(len, scores), default=0), max((width_of(hit.id) for hit in answer.hits), default=0)
    for hit, score in zip(answer.hits, scores, strict=True):
        start = f"{hit.rank:3}  {score:>{max(widths[0], 6)}}  "
        lines += _hit(hit, start, widths[1], width, styled=styled)
    notes = [*answer.notes]
    if answer.hits:
        notes.append(f"ranked {RANKED_BY[answer.ranking]} ({answer.ranking})")
    if answer.recall is not None:
        notes.append(f"approximate (--ivf): on average {100 * answer.recall:.1f} % of the true top 10")
    if not answer.hits:
        lines.append(f"{'':{_INDENT}}no hits")
    for note in notes:
        lines += [_style(f"{'':{_INDENT}}{line}", _DIM, styled) for line in _lines(harmless(note), width - _INDENT)]
    return "\n".join(lines) + "\n"


def paper_table(paper: Paper, *, width: int, styled: bool) -> str:
    """The whole record of a paper, with its abstract."""
    lines = list(_titled(paper, width, styled=styled))
    rows = {
        "authors": to_unicode(paper.authors),
        "posted": paper.posted,
        "updated": paper.updated,
        "versions": str(paper.n_versions or ""),
        "categories": " ".join(paper.categories),
        "journal": to_unicode(paper.journal_ref),
        "DOI": paper.doi,
        "comments": to_unicode(paper.comments),
        "withdrawn": "yes" if is_withdrawn(paper) else "",
        "link": paper.url,
    }
    for name, value in rows.items():
        if value:
            first, *others = _lines(harmless(value), width - 12)
            lines += [f"{name:10}  {first}", *(f"{'':12}{line}" for line in others)]
    lines.append("")
    if paper.abstract:
        lines += _lines(harmless(to_unicode(paper.abstract)), min(width, _WIDEST))
    else:
        note = (
            "A published index holds no abstracts, journal references and numbers of versions; the index folder does."
        )
        lines += [_style(line, _DIM, styled) for line in _lines(note, width)]
    return "\n".join(lines) + "\n"


def list_table(papers: Sequence[Paper], notes: Mapping[str, str], *, width: int, styled: bool) -> str:
    """For each paper id and title, then authors, year, categories and the link, then what `notes` has for its id."""
    id_width = max((width_of(harmless(paper.id)) for paper in papers), default=0)
    lines: list[str] = []
    for paper in papers:
        note = notes.get(paper.id, "")
        lines += listed(paper, "", id_width, width, [note] if note else [], styled=styled)
    return "".join(f"{line}\n" for line in lines)


def standings_table(found: Iterable[Standing], *, width: int, styled: bool) -> Iterator[str]:
    """Each: what was asked, its place and the regions there, the largest first, then a line for each paper near it."""
    for one in found:
        asked = f"{_plain(one.asked)}  {_plain(one.paper.title)}" if one.paper else _plain(one.asked)
        labels = dict.fromkeys(harmless(region.label) for region in one.regions)
        where = f"at {one.x:.3f}, {one.y:.3f}"
        lines = [_style(shortened(asked, max(width, _LEAST)), _BOLD, styled), ": ".join([where, " > ".join(labels)])]
        id_width = max((width_of(harmless(paper.id)) for paper in one.around), default=0)
        for paper in one.around:
            start = f"  {harmless(paper.id):{id_width}}  {paper.posted[:4]:4}  "
            lines.append(start + shortened(_plain(paper.title), max(width - len(start), _LEAST)))
        yield "".join(f"{line}\n" for line in lines)


def _plain(text: str) -> str:
    return harmless(to_unicode(" ".join(text.split())))


def _heading(answer: Answer, width: int, *, styled: bool) -> Iterator[str]:
    """What was asked for: a paper with its title, a few ids, or how many there are; a text in one line."""
    if answer.paper:
        yield from _titled(answer.paper, width, styled=styled)
        return
    ids = [harmless(paper.id) for paper in answer.papers]
    parts = ids if len(ids) <= _MOST_IDS else [f"{len(ids):,} papers"]
    parts += [harmless(" ".join(answer.text.split()))] if answer.text else []
    yield _style(shortened(" + ".join(parts), max(width, _LEAST)), _BOLD, styled)


def _titled(paper: Paper, width: int, *, styled: bool) -> Iterator[str]:
    """Id and title, in bold."""
    identifier = harmless(paper.id)
    indent = width_of(identifier) + 2
    first, *others = _lines(_title(paper), width - indent)
    yield _style(f"{_link(identifier, paper, styled)}  {first}", _BOLD, styled)
    yield from (_style(f"{'':{indent}}{line}", _BOLD, styled) for line in others)


def _hit(hit: Hit, start: str, id_width: int, width: int, *, styled: bool) -> Iterator[str]:
    """`start`: its rank and score."""
    parts = [f"{name} {part:.4g}" for name, part in hit.parts.items()]
    near = [f"near {', '.join(f'{one.id} ({one.cosine:.2f})' for one in hit.near)}"] if hit.near else []
    copies = [f"with {' '.join(hit.copies)}"] if hit.copies else []
    yield from listed(hit.paper, start, id_width, width, [*parts, *near, *copies], styled=styled)
    for name, said in why_lines(hit.why, width - _INDENT) if hit.why else ():
        yield f"{'':{_INDENT}}{_style(name, _DIM, styled)}{said}"


def listed(paper: Paper, start: str, id_width: int, width: int, more: Sequence[str], *, styled: bool) -> Iterator[str]:
    """A paper of a list: behind `start` its id and title, then in dim letters its facts and `more`."""
    identifier = harmless(paper.id)
    gap = " " * (id_width - width_of(identifier) + 2)
    indent = len(start) + id_width + 2
    first, *others = _lines(_title(paper), width - indent)
    yield f"{start}{_link(identifier, paper, styled)}{gap}{first}".rstrip()
    yield from (f"{'':{indent}}{line}" for line in others)
    facts = [
        ", ".join(filter(None, [first_authors(paper), paper.posted[:4]])),
        " ".join(paper.categories),
        "withdrawn" if is_withdrawn(paper) else "",
        *more,
        "" if styled else paper.url,
    ]
    for line in joined(map(harmless, filter(None, facts)), max(width - indent, _LEAST), "  "):
        yield _style(f"{'':{indent}}{line}", _DIM, styled)


def _title(paper: Paper) -> str:
    title = to_unicode(paper.title)
    return harmless(title if len(title) <= _LONGEST else f"{title[:_LONGEST]}...")


def _lines(text: str, width: int) -> list[str]:
    return wrapped(text, max(width, _LEAST))


def _link(text: str, paper: Paper, styled: bool) -> str:
    """`text` as a link to the paper's page: https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda."""
    return f"\x1b]8;;{paper.url}\x1b\\{text}\x1b]8;;\x1b\\" if styled and paper.url else text


def _style(text: str, code: str, styled: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if styled else text
