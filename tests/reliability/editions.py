"""An index that changes all the time, in editions: a paper's title and vector tell which edition it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lunacy import build_index
from lunacy.pipeline import remove
from lunacy.store import Writer
from tests.conftest import FakeEmbedder, lines, record

CORE = [f"2403.{number:05}" for number in range(30)]  # in every edition
ABSTRACT = "About it."


def passing(edition: int) -> list[str]:
    """The papers that only this edition has; the first is removed by hand."""
    return [f"2404.{4 * edition + number:05}" for number in range(4)]


def title(edition: int) -> str:
    """The title of all papers of an edition."""
    return f"Edition {edition}"


def commits(edition: int) -> list[dict[str, str]]:
    """What the index holds, id to title, from the update to this edition on, commit by commit."""
    new = dict.fromkeys([*CORE, *passing(edition)], title(edition))
    before = dict.fromkeys(passing(edition - 1)[1:] if edition else [], title(edition - 1))
    removed = {identifier: name for identifier, name in new.items() if identifier != passing(edition)[0]}
    return [{**new, **before}, new, removed]


def publish(edition: int, folder: Path) -> None:
    """Update, prune, remove, compact, merge."""
    snapshot = folder.parent / f"edition-{edition}.jsonl"
    papers: list[dict[str, Any]] = [
        record(one, title=title(edition), abstract=ABSTRACT + f" In {one}.") for one in [*CORE, *passing(edition)]
    ]
    snapshot.write_bytes(lines(papers))
    build_index(snapshot, into=folder, embedder=FakeEmbedder(), prune=True, prune_limit=0.5)
    snapshot.unlink()
    remove(folder, passing(edition)[:1])
    with Writer(folder) as writer:
        writer.compact()
