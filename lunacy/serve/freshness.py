"""Whether what a client has is still the answer: entity tags (RFC 9110, 8.8.3), by the commit of an index."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from lunacy.question import Question

if TYPE_CHECKING:
    from lunacy.query.service import Service


def entity_tag(service: Service, index: str, asked: Question | str) -> str:
    """A tag that changes with the answer to `asked`: with the last commit of the index, and its derived data.

    It is weak, for a proxy may compress the answer. Raises UsageError, StoreError.
    """
    commit = service.last_commit(index)
    what: object = asked
    if isinstance(asked, Question):
        what = (asked.settings, asked.papers, asked.text, asked.together)
        if asked.explain:  # which it does as far as it can while the model is not there
            what = (*what, service.model_state(index))
    known = repr((version(), index or service.names[0], commit, what))
    return f'W/"{commit.generation}-{blake2b(known.encode(errors="surrogatepass"), digest_size=12).hexdigest()}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has what `tag` is of."""
    known = request.headers.get("if-none-match", "")
    return tag.removeprefix("W/") in [one.strip().removeprefix("W/") for one in known.split(",")]


def not_modified(tag: str) -> Response:
    """The answer that there is nothing new."""
    return Response(status_code=304, headers={"ETag": tag})


@cache
def version() -> str:
    """That of lunacy."""
    import lunacy

    return lunacy.__version__
