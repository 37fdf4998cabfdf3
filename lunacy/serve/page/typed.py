"""What a person typed or pasted into the one field: papers, text, or both."""

from __future__ import annotations

import re
from typing import NamedTuple

from lunacy.paper import Paper, canonical_id, id_fault, squeeze_spaces
from lunacy.query.service import Service
from lunacy.serve.waiting import in_time

_LONGEST_TITLE = 500  # characters
_MOST_LINES = 3  # that a title is broken into, where it is copied from a PDF
_SEPARATORS = re.compile(r"[\s,;]+")


class Typed(NamedTuple):
    """What was meant: ids as arXiv writes them, and a text."""

    papers: list[str]
    text: str


async def read_typed(service: Service, typed: str, index: str) -> Typed:
    """The papers that `typed` begins with, by id, link or title, a line or several in one; what is behind is the text.

    What looks like a mistyped id is given as a paper, so that the answer says what is wrong with it.
    """
    lines = [squeezed for line in typed.splitlines() if (squeezed := squeeze_spaces(line))]
    papers: list[str] = []
    while lines:
        found, rest = _leading_ids(lines[0])
        if found:
            papers += found
            lines = [rest, *lines[1:]] if rest else lines[1:]
            continue
        n_lines, paper = await _titled(service, lines, index)
        if not n_lines:
            is_alone = len(lines) == 1 and not papers
            if not id_fault(lines[0]) or (" " in lines[0] and not is_alone):
                break
            n_lines, paper = 1, lines[0]
        papers.append(paper)
        lines = lines[n_lines:]
    return Typed(list(dict.fromkeys(papers)), " ".join(lines))


def _leading_ids(line: str) -> tuple[list[str], str]:
    """The ids that `line` begins with, and the rest of it."""
    if (whole := canonical_id(line)) is not None:
        return [whole], ""
    found: list[str] = []
    while line:
        word, *rest = _SEPARATORS.split(line, maxsplit=1)
        one = canonical_id(word)
        if word and one is None:
            break
        found += [one] if one else []
        line = "".join(rest)
    return found, line


async def _titled(service: Service, lines: list[str], index: str) -> tuple[int, str]:
    """How many of the first lines are the title of a paper of the index, and its id; (0, "") where none are."""
    joined = [" ".join(lines[:n]) for n in range(min(_MOST_LINES, len(lines)), 0, -1)]
    titles = [one for one in joined if len(one) <= _LONGEST_TITLE]
    papers = await in_time(service.papers(titles, index)) if titles else []
    for title, paper in zip(titles, papers, strict=True):
        if isinstance(paper, Paper):
            return len(lines[:_MOST_LINES]) - joined.index(title), paper.id
    return 0, ""
