"""A list as a file: the forms of `lunacy.render`, with a name that says what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from lunacy import render
from lunacy.answer import Answer
from lunacy.formats import OF_SUFFIX
from lunacy.paper import Paper
from lunacy.serve.page.results import EXPORTS

_TYPES = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csv": "text/csv",
    "json": "application/json",
    "md": "text/markdown",
}


def suffix_of(request: Request) -> str:
    """The suffix that is asked for. Raises HTTPException for a form that there is not."""
    suffix = str(request.path_params["suffix"])
    if suffix not in EXPORTS:
        raise HTTPException(404)
    return suffix


def download(found: Answer | Sequence[Paper], suffix: str, name: str = "") -> Response:
    """The hits of an answer, or papers, as a file that the browser saves; `name`: of their list."""
    form = OF_SUFFIX[f".{suffix}"]
    pieces = render.answers([found], form) if isinstance(found, Answer) else render.papers(found, form)
    return Response(
        "".join(pieces),
        media_type=f"{_TYPES[suffix]}; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_plain(name) or _name(found)}.{suffix}"'},
    )


def _name(found: Answer | Sequence[Paper]) -> str:
    if not isinstance(found, Answer):
        return "reading-list"
    if found.paper:
        return f"similar-to-{_plain(found.paper.id)}"
    return "similar-to-text" if not found.papers else f"similar-to-{len(found.papers)}-papers"


def _plain(text: str) -> str:
    """What any system takes for a name of a file."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")
