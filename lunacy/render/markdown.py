"""Answers and papers as Markdown, for notes and issues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from lunacy.answer import Answer, Hit
from lunacy.authors import first_authors
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.question import RANKED_BY
from lunacy.render.why import reasons
from lunacy.unicode import to_unicode
from lunacy.withdrawn import is_withdrawn

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#$~&])")


def markdown_of_answer(answer: Answer) -> str:
    """A heading, a numbered list of links, the notes, and by what the links are ranked."""
    head = markdown_link(answer.paper) if answer.paper else markdown_text(answer.asked)
    lines = [f"## {head}", "", *map(_hit, answer.hits)]
    if not answer.hits:
        lines.append("No hits.")
    notes = [*answer.notes, *([f"ranked {RANKED_BY[answer.ranking]} ({answer.ranking})"] if answer.hits else [])]
    lines += [line for note in notes for line in ("", f"*{markdown_text(note)}*")]
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
    lines = [f"## {markdown_link(paper)}", "", markdown_text(paper.authors), ""]
    lines += [f"- {name}: {markdown_text(value)}" for name, value in facts.items() if value]
    lines += ["", markdown_text(paper.abstract)] if paper.abstract else []
    return "\n".join(lines) + "\n"


def markdown_of_list(papers: Iterable[Paper], notes: Mapping[str, str]) -> str:
    """A list of links, with what `notes` has for each id."""
    lines = []
    for paper in papers:
        facts = [first_authors(paper), paper.posted[:4], " ".join(paper.categories), notes.get(paper.id, "")]
        lines.append(f"- {markdown_link(paper)}: {markdown_text(', '.join(filter(None, facts)))}\n")
    return "".join(lines)


def _hit(hit: Hit) -> str:
    year = hit.posted[:4]
    facts = [first_authors(hit.paper), year, " ".join(hit.categories), "withdrawn" if hit.withdrawn else ""]
    line = f"{hit.rank}. {markdown_link(hit.paper)} ({hit.score:.3f}): {markdown_text(', '.join(filter(None, facts)))}"
    return "\n".join([line, *(f"   - {name}: {markdown_text('; '.join(said))}" for name, said in _why(hit))])


def _why(hit: Hit) -> Iterable[tuple[str, Sequence[str]]]:
    return reasons(hit.why) if hit.why else ()


def markdown_link(paper: Paper) -> str:
    """The title as a link to the paper's page."""
    title = markdown_text(paper.title)
    return f"[{title}]({paper.url})" if paper.url else f"{title} ({markdown_text(paper.id)})"


def markdown_text(text: str) -> str:
    """With what Markdown takes for its own escaped; in a line."""
    return _SPECIAL.sub(r"\\\1", harmless(to_unicode(" ".join(text.split()))))
