"""Take single papers in from arXiv, by their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from lunacy.embedding import Embedder
from lunacy.errors import UsageError
from lunacy.harvest import ENDPOINT, Client, fetch_line, open_client
from lunacy.paper import parse_id
from lunacy.pipeline.build import build_index
from lunacy.pipeline.counts import Counts
from lunacy.progress import Progress, Report, no_report
from lunacy.store import Store, expanded


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What became of the papers."""

    folder: Path
    ids: list[str]
    counts: Counts


def fetch(
    index: str | Path,
    papers: Sequence[str],
    *,
    endpoint: str = ENDPOINT,
    contact: str = "",
    device: str = "auto",
    embedder: Embedder | None = None,
    client: Client | None = None,
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
) -> FetchReport:
    """Fetch `papers`, ids in any form, from arXiv, and add them to the index in the folder `index`.

    Those that it has are brought up to date. The other arguments are as of `update`. Raises NotAnId, and UnknownPaper
    for a paper that arXiv does not have: then none is added; UsageError when none is in the categories of the index;
    HarvestError, NoIndex, IndexLocked, and what `build_index` raises.
    """
    folder = expanded(index)
    with Store(folder) as store, store.view() as view:
        view.require_papers(folder)
        scope = view.scope
    ids = list(dict.fromkeys(map(parse_id, papers)))
    lines = []
    with open_client(client, endpoint, contact, note) as opened:
        for n, identifier in enumerate(ids):
            progress(Progress("asking arXiv", n, len(ids), "papers"))
            lines.append(fetch_line(opened, identifier))
    with TemporaryDirectory() as place:
        snapshot = Path(place, "fetched.jsonl")
        snapshot.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
        counts = build_index(
            snapshot, into=folder, up_to="", device=device, embedder=embedder, progress=progress, note=note
        ).counts
    if counts.filtered == len(ids):
        found = ", ".join(str(line.get("categories")) for line in lines)
        raise UsageError(f"the index takes in {scope}, not {found}; nothing was added")
    return FetchReport(folder, ids, counts)
