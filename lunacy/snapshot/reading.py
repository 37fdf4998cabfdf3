"""Read a snapshot in the background: in a thread, or for a large file in one or several processes.

Parsing and hashing a paper takes as long as storing it, and one Python process does one of them at a time; two do both
(`python -m tests.bench` measures it). Of several processes each reads the whole file, but parses only some of its
batches, as finding the lines is a tenth of the work. Batches come through a pipe, as plain tuples, by `marshal`.
"""

from __future__ import annotations

import json
import marshal
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, closing
from itertools import cycle
from typing import Any

from lunacy.categories import category_filter
from lunacy.cores import n_cores
from lunacy.entry import Entry
from lunacy.errors import SnapshotError
from lunacy.snapshot.ahead import read_ahead
from lunacy.snapshot.batches import BATCH_LINES, Batch, KnownLines, batches, with_papers
from lunacy.snapshot.child import Child, NotStarted
from lunacy.snapshot.lines import Line, Snapshot

PROCESS_FROM_BYTES = 2**23  # for smaller files the start of a process (0.1 s) is not worth it
_THREAD_AHEAD = 4  # batches
_PROCESS_AHEAD = 32  # batches: some 40 MB, so that it goes on while a commit is flushed
_CODE = "from lunacy.snapshot.reading import main"


def read_batches(
    snapshot: Snapshot,
    category: Iterable[str] = (),
    *,
    recipe: str,
    limit: int | None = None,
    strict: bool = False,
    size: int | None = None,
    known: KnownLines | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Generator[Batch]:
    """The snapshot in batches of up to `size` lines (BATCH_LINES), of papers in `category` (patterns), read ahead.

    `recipe`: of the embedded text; `limit`: of kept papers; `strict`: the first bad line ends it. Reading that
    ends early is told by the last batch: what came before it counts. So is a file in which nothing is a paper.
    `known`: lines that need not be parsed, which must be of the same categories and recipe; the rest is then parsed in
    a thread, as most are known, and to hand a line to another process takes longer than to look it up.
    Raises Stopped when no longer wanted.
    """
    patterns = list(category)
    options: dict[str, Any] = {"recipe": recipe, "limit": limit, "strict": strict, "size": size or BATCH_LINES}

    def here() -> Generator[Batch]:
        found = batches(snapshot, category_filter(patterns), **options, known=known)
        return read_ahead(found, _THREAD_AHEAD, is_wanted)

    is_large = snapshot.size_bytes is not None and snapshot.size_bytes >= PROCESS_FROM_BYTES
    # in another process these names mean another file
    is_named = not str(snapshot.source).startswith(("/dev/fd/", "/dev/stdin", "/proc/"))
    if not (is_large and is_named) or snapshot.is_stream or known is not None:
        return with_papers(here(), snapshot.name)
    # a process that reads a part cannot know when the limit is reached
    n = n_processes() if limit is None and not strict else 1
    orders = [
        {"source": str(snapshot.source), "category": patterns, "options": {**options, "share": [first, n]}}
        for first in range(n)
    ]
    return with_papers(_from_processes(snapshot.name, orders, is_wanted, here), snapshot.name)


def n_processes() -> int:
    """One for every four cores, at least one and at most four."""
    return max(1, min(4, n_cores() // 4))


def _from_processes(
    name: str, orders: list[dict[str, Any]], is_wanted: Callable[[], bool], here: Callable[[], Generator[Batch]]
) -> Generator[Batch]:
    """The batches of all processes in the order of the snapshot; if a process does not start, those of `here`."""
    with ExitStack() as stack:
        try:
            children = [stack.enter_context(closing(Child(_CODE, json.dumps(order)))) for order in orders]
            for child in children:
                child.await_start(is_wanted)
        except NotStarted:
            stack.close()
            yield from here()
            return
        for child in cycle(children):
            frame = child.receive(is_wanted)
            if frame == b"":
                return  # no process has a later batch
            if frame is None:
                broken = SnapshotError(f"{name}: a process that reads it ended early ({child.how()}); run again")
                batch = Batch(broken=broken)
            else:
                batch = _unpacked(frame)
            yield batch
            if batch.broken:
                return


def main(send: Callable[[bytes], None], order: str) -> None:
    """What a process does: send the ordered batches, then an empty frame."""
    ordered = json.loads(order)
    try:
        with Snapshot(ordered["source"]) as snapshot:
            found = batches(snapshot, category_filter(ordered["category"]), **ordered["options"])
            for frame in read_ahead(map(_packed, found), _PROCESS_AHEAD):
                send(frame)
    except SnapshotError as error:  # such as a file that was deleted meanwhile
        send(_packed(Batch(broken=error)))
    send(b"")


def _packed(batch: Batch) -> bytes:
    return marshal.dumps(
        (
            batch.position_bytes,
            batch.n_lines,
            list(map(tuple, batch.kept)),
            batch.places,
            batch.filtered,
            [(tuple(line), reason) for line, reason in batch.bad],
            None if batch.broken is None else str(batch.broken),
        )
    )


def _unpacked(frame: bytes) -> Batch:
    position_bytes, n_lines, kept, places, filtered, bad, broken = marshal.loads(frame)  # noqa: S302 (our own process wrote it)
    return Batch(
        position_bytes,
        n_lines,
        list(map(Entry._make, kept)),
        places,
        filtered,
        [(Line(*line), reason) for line, reason in bad],
        None if broken is None else SnapshotError(broken),
    )
