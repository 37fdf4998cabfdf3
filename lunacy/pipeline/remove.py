"""Taking papers out of an index by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lunacy.errors import UnknownPaper
from lunacy.keywords import canonical
from lunacy.keywords import ids as read_ids
from lunacy.paper import parse_id
from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.progress import Report, no_report
from lunacy.store import Writer


@dataclass(frozen=True, slots=True)
class RemoveReport:
    """What was removed."""

    folder: Path
    ids: list[str]  # as the index had them


def remove(index: str | Path, papers: str | Iterable[str], *, progress: Report = no_report) -> RemoveReport:
    """Remove `papers`, an id or several in any form, from the index in the folder `index`.

    A later `build_index` adds them again if they are in its snapshot. Raises NotAnId or UnknownPaper, and removes none,
    when one of them is not there; NoIndex, IndexLocked, DiskFull.

    >>> lunacy.remove("indexes/sample", ["1802.05130", "https://arxiv.org/abs/1802.05121v1"]).ids
    ['1802.05130', '1802.05121']
    """
    ids = list(dict.fromkeys(map(canonical, read_ids("papers", papers))))
    with Writer(index) as writer:
        known = writer.known(ids)
        lacking = [identifier for identifier in ids if identifier not in known]
        if lacking:
            raise UnknownPaper(f"{parse_id(lacking[0])} is not in the index; nothing was removed", where=index)
        writer.remove(ids)
        writer.commit()
        refresh_caches(writer.folder, writer.changes, progress=progress)
    return RemoveReport(writer.folder, ids)
