"""Taking papers out of an index by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lunacy.errors import UnknownPaper
from lunacy.paper import canonical_id, parse_id
from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.store import Writer


def remove_papers(papers: Sequence[str], *, index: str | Path) -> list[str]:
    """Remove `papers`, ids in any form, from the index in the folder `index`; the ids as the index had them.

    Raises NotAnId or UnknownPaper, and removes none, when one of them is not there.
    """
    ids = list(dict.fromkeys(canonical_id(paper) or paper.strip() for paper in papers))
    with Writer(index) as writer:
        known = writer.known(ids)
        lacking = [identifier for identifier in ids if identifier not in known]
        if lacking:
            raise UnknownPaper(f"{parse_id(lacking[0])} is not in the index; nothing was removed", where=index)
        writer.remove(ids)
        writer.commit()
        refresh_caches(writer.folder, writer.changes)
    return ids
