"""Ids in any form -> rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lunacy.arrays import Rows
from lunacy.errors import NotAnId, UnknownPaper, UsageError
from lunacy.paper import canonical_id, parse_id
from lunacy.search import Searcher


def rows_of(there: Searcher, asked: Sequence[str]) -> list[int | None]:
    """The row of each id, in any form; None for one that the index lacks."""
    ids = list(map(canonical, asked))
    rows = there.rows(list(dict.fromkeys(ids)))
    return [rows.get(one) for one in ids]


def rows_that_must_be(there: Searcher, asked: Sequence[str]) -> Rows:
    """The rows of papers that must be there."""
    rows = rows_of(there, asked)
    for identifier, row in zip(asked, rows, strict=True):
        if row is None:
            raise lacking(there, identifier)
    return np.array(rows, np.int64)


def canonical(text: str) -> str:
    """The id in `text`, in any form; what is none is looked up as it stands."""
    if not isinstance(text, str):
        raise UsageError(f"{str(text)[:40]!r} is a {type(text).__name__}; give ids as text, such as '1802.05130'")
    return canonical_id(text) or encodable(text.strip())


def encodable(text: str) -> str:
    """`text` as UTF-8 can have it. In the C locale an argument comes with surrogates in the place of its bytes."""
    try:
        return text.encode(errors="surrogateescape").decode(errors="replace")
    except UnicodeEncodeError:  # surrogates of another kind
        return text.encode(errors="replace").decode()


def lacking(there: Searcher, asked: str) -> UnknownPaper | NotAnId:
    """The error that says why there is no answer for `asked`."""
    try:
        identifier = parse_id(asked)
    except NotAnId as error:
        return error
    summary = there.summary()
    categories = sorted(summary.by_category, key=lambda name: (-summary.by_category[name], name))
    shown = ", ".join(categories[:6]) + (f" and {len(categories) - 6} more" if len(categories) > 6 else "")
    return UnknownPaper(
        f"{identifier} is not in the index, which holds {summary.n_papers:,} papers ({shown}) "
        f"up to {summary.last_date or 'an unknown date'}",
        where=there.name,
    )
