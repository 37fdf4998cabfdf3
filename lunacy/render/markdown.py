"""Answers and papers as Markdown, for notes and issues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lunacy.answer import Answer, Hit
from lunacy.authors import first_authors
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.unicode import to_unicode
from lunacy.withdrawn import is_withdrawn

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#$~&])")


def markdown_of_answer(answer: Answer) -> str:
    """A heading, a numbered list of links, and the notes."""
    head = _link(answer.paper) if answer.paper else _text(answer.asked)
    lines = [f"## {head}", "", *map(_hit, answer.hits)]
    if not answer.hits:
        lines.append("No hits.")
    lines += [line for note in answer.notes for line in ("", f"*{_text(note)}*")]
    return "\n".join(lines) + "\n"


def markdown_of_paper(paper: Paper) -> str:
    """The title as a link, the facts, and the abstract."""
    facts = {
        "arXiv": paper.id,
        "Posted": paper.posted,
        "Updated": paper.updated,
        "Categories": " ".join(paper.categories),
        "Journal": paper.journal_ref,
        "DOI": paper.doi,
        "Comments": paper.comments,
        "Withdrawn": "yes" if is_withdrawn(paper) else "",
    }
    lines = [f"## {_link(paper)}", "", _text(paper.authors), ""]
    lines += [f"- {name}: {_text(value)}" for name, value in facts.items() if value]
    lines += ["", _text(paper.abstract)] if paper.abstract else []
    return "\n".join(lines) + "\n"


def markdown_of_list(papers: Iterable[Paper], notes: Mapping[str, str]) -> str:
    """A list of links, with what `notes` has for each id."""
    lines = []
    for paper in papers:
        facts = [first_authors(paper), paper.posted[:4], " ".join(paper.categories), notes.get(paper.id, "")]
        lines.append(f"- {_link(paper)}: {_text(', '.join(filter(None, facts)))}\n")
    return "".join(lines)


def _hit(hit: Hit) -> str:
    year = hit.posted[:4]
    facts = [first_authors(hit.paper), year, " ".join(hit.categories), "withdrawn" if hit.withdrawn else ""]
    return f"{hit.rank}. {_link(hit.paper)} ({hit.score:.3f}): {_text(', '.join(filter(None, facts)))}"


def _link(paper: Paper) -> str:
    return f"[{_text(paper.title)}]({paper.url})" if paper.url else f"{_text(paper.title)} ({_text(paper.id)})"


def _text(text: str) -> str:
    """With what Markdown takes for its own escaped; in a line."""
    return _SPECIAL.sub(r"\\\1", harmless(to_unicode(" ".join(text.split()))))
