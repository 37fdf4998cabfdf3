"""Hits, answers and an index as Python shells (text) and notebooks (HTML) show them.

What comes from a snapshot is made harmless: no control characters in text, nothing but text in HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from lunacy.authors import first_authors
from lunacy.unicode import to_unicode

if TYPE_CHECKING:
    from lunacy.answer import Answer, Hit, Info
    from lunacy.paper import Paper

_LONGEST = 60  # characters of what was asked, as text
_MOST_HITS = 20  # of an answer, as text
_MOST_CATEGORIES = 8
_MOST_AUTHORS = 200  # characters
# C0, C1, the marks that reorder or hide text, and surrogates, which no encoding can write: a title must not be able to
# write on the terminal.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")
_NO_MATH = "tex2jax_ignore mathjax_ignore"  # classes: no notebook may run what a title has between two $
_LEFT = ' style="text-align: left"'


def harmless(text: str) -> str:
    """`text` without anything that a terminal would obey."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def hit_text(hit: Hit) -> str:
    """Rank, score, id and title, in a line."""
    return f"{hit.rank:3}  {hit.score:6.3f}  {harmless(hit.id)}  {harmless(to_unicode(hit.title))}"


def answer_text(answer: Answer) -> str:
    """What was asked, then a line a hit, then the notes."""
    n, shown = len(answer.hits), answer.hits[:_MOST_HITS]
    asked = harmless(answer.asked)
    asked = asked if len(asked) <= _LONGEST else f"{asked[:_LONGEST]}..."
    lines = [f"<Answer to {asked!r}: {n:,} hit{'s' * (n != 1)}, {_quality(answer)}>"]
    lines += [hit_text(hit) for hit in shown]
    lines += [f"     and {n - len(shown):,} more"] if n > len(shown) else []
    return "\n".join([*lines, *map(harmless, answer.notes)])


def info_text(info: Info) -> str:
    """A line for each of the main facts."""
    lines = [f"{name:10}  {harmless(value)}" for name, value in _facts(info)]
    return "\n".join([f"<Info of {harmless(info.name)}>", *lines])


def hits_html(hits: Iterable[Hit]) -> str:
    """A table, a row a hit."""
    heads = "".join(f"<th{_LEFT}>{name}</th>" for name in ("", "score", "id", "paper", "categories", "posted"))
    rows = "".join(f"<tr>{_cells(hit)}</tr>" for hit in hits)
    return f'<table class="{_NO_MATH}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def answer_html(answer: Answer) -> str:
    """What was asked, the hits, and the notes."""
    parts = [f"<p><b>{html_text(_asked(answer))}</b>: {html_text(_quality(answer))}</p>"]
    parts.append(hits_html(answer.hits) if answer.hits else "<p>no hits</p>")
    parts += [f"<p>{html_text(note)}</p>" for note in answer.notes]
    return f'<div class="{_NO_MATH}">{"".join(parts)}</div>'


def info_html(info: Info) -> str:
    """A table of the main facts."""
    rows = [("index", info.name), *_facts(info)]
    cells = "".join(
        f"<tr><th{_LEFT}>{html_text(name)}</th><td{_LEFT}>{html_text(value)}</td></tr>" for name, value in rows
    )
    return f'<table class="{_NO_MATH}"><tbody>{cells}</tbody></table>'


def _asked(answer: Answer) -> str:
    return f"{answer.paper.id} {to_unicode(answer.paper.title)}" if answer.paper else answer.asked


def _quality(answer: Answer) -> str:
    """How the hits are ranked, whether they are the best, and of how many."""
    parts = [answer.ranking]
    parts.append("exact" if answer.recall is None else f"approximate, recall {answer.recall:.3f}")
    if answer.n_qualified is not None:
        parts.append(f"of {answer.n_qualified:,} papers that the filters admit")
    return ", ".join(parts)


def _cells(hit: Hit) -> str:
    link = f'<a href="{escape(hit.url)}" target="_blank">{html_text(hit.id)}</a>' if hit.url else html_text(hit.id)
    paper = f"{html_text(to_unicode(hit.title))}<br><small>{html_text(_authors(hit.paper))}</small>"
    cells = (
        str(hit.rank),
        f"{hit.score:.3f}",
        link,
        paper,
        html_text(" ".join(hit.categories)),
        html_text(hit.paper.posted),
    )
    return "".join(f"<td{_LEFT}>{cell}</td>" for cell in cells)


def _authors(paper: Paper) -> str:
    everybody = to_unicode(paper.authors)
    return everybody if len(everybody) <= _MOST_AUTHORS else first_authors(paper)


def html_text(text: str) -> str:
    """`text` as HTML, or XML, that shows it and does nothing else."""
    return escape(harmless(text))


def _facts(info: Info) -> list[tuple[str, str]]:
    """The main facts of an index; `lunacy info` has all."""
    summary = info.summary
    largest = summary.largest
    named = ", ".join(f"{name} {n:,}" for name, n in largest[:_MOST_CATEGORIES])
    more = len(largest) - _MOST_CATEGORIES
    facts = [
        ("papers", f"{summary.n_papers:,}, {summary.n_withdrawn:,} of them withdrawn"),
        ("posted", f"{summary.first_posted or '?'} to {summary.last_posted or '?'}"),
        ("categories", named + (f" and {more:,} more" if more > 0 else "")),
        ("scope", str(info.scope)),
        ("model", info.fingerprint.model),
        ("text", info.fingerprint.text),
    ]
    if info.ivf:
        facts.append(("ivf", f"{info.ivf.nlist:,} lists, recall {info.ivf.papers.recall.mean:.3f}"))
    return [*facts, ("lexical", "yes" if info.has_words else "no")]
