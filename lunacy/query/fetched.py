"""Papers that an index lacks, asked for as arXiv has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from lunacy.answer import Answer
from lunacy.errors import HarvestError, LunacyError, UnknownPaper, UsageError
from lunacy.harvest import ENDPOINT, Client, fetch_line, open_client
from lunacy.paper import Paper, canonical_id, embedded_text
from lunacy.query.index import Index
from lunacy.query.relative import filter_beside
from lunacy.question import Query, Question
from lunacy.snapshot import BadLine, Line, parse

Found = tuple[Query, Answer | LunacyError]


def with_fetched(
    found: Iterable[Found],
    ix: Index,
    options: Mapping[str, Any],
    endpoint: str = ENDPOINT,
    contact: str = "",
    *,
    client: Client | None = None,
    note: Callable[[str], None] = lambda _text: None,
    model: str | None = None,
    device: str = "auto",
) -> Iterator[Found]:
    """The answers; where the index lacks the paper of a query, that for the paper as arXiv has it.

    `options`: of the questions. Nothing is added to the index. The rest is as of `update`. Raises UsageError where the
    authors of what is fetched would have to be raised.
    """
    if options.get("same_authors") == "raise":
        raise UsageError("same_authors raise goes with papers of the index, not with what is fetched; leave it out")
    with open_client(client, endpoint, contact, note) as opened:
        for query, one in found:
            identifier = canonical_id(query.papers[0]) if len(query.papers) == 1 and not query.text else None
            if isinstance(one, UnknownPaper) and identifier is not None:
                try:
                    yield query, _ask(ix, _fetch(opened, identifier), options, model, device)
                except (UnknownPaper, HarvestError, UsageError) as error:
                    yield query, error
            else:
                yield query, one


def _fetch(client: Client, identifier: str) -> Paper:
    line = orjson.dumps(fetch_line(client, identifier))
    try:
        return parse(Line(1, 0, line))
    except BadLine as reason:
        raise HarvestError(
            f"gives a record of {identifier} that is no paper: {reason}", where=client.endpoint
        ) from None


def _ask(ix: Index, paper: Paper, options: Mapping[str, Any], model: str | None, device: str) -> Answer:
    text = embedded_text(paper, ix.info().fingerprint.text)
    alone = {"text": text, "together": False, "include_self": False}
    alone |= {"older": False, "newer": False, "same_authors": None}  # the filter says it
    wanted = filter_beside(Question.parse({**options, "papers": paper.id}), [paper])
    answer = ix.ask(Question.parse({**options, **alone}).with_filter(wanted), model=model, device=device)
    note = f"{paper.id} is not in the index; it was fetched from arXiv and asked for as a text"
    hits = [replace(hit, why=hit.why and replace(hit.why, asked=paper.id)) for hit in answer.hits]
    return replace(answer, hits=hits, papers=(paper,), text="", notes=(note, *answer.notes))
