"""Read the snapshots on the cluster: shards in the order of their lines; those that exist are not made again."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from lunacy.atomic import remove_folders
from lunacy.categories import category_filter
from lunacy.errors import LunacyError, StoreError
from lunacy.pipeline.on_ray.dataset import RUN_AGAIN, Made, made_shards
from lunacy.pipeline.on_ray.failure import raise_encoded
from lunacy.pipeline.on_ray.job import Job, Keys
from lunacy.pipeline.on_ray.shards import Damaged, Shard, read_shard
from lunacy.snapshot import Batch, Snapshot, cut, read_piece, refusal
from lunacy.store import is_shard, own_shards, remove

_SEEN_S, _POLL_S = 5.0, 0.1  # until a file that another machine wrote is visible here


class ShardReader:
    """Lets workers read and embed the snapshots, and reads the shards that they write."""

    def __init__(
        self, job: Job, snapshots: Sequence[Snapshot], known: Keys, *, limit: int | None, strict: bool
    ) -> None:
        """`known`: the `text_key` of each paper that needs no vector, ascending. `limit`, `strict`: see `batches`."""
        self._job = job
        self._snapshots = snapshots
        self._known = known
        self._limit = limit
        self._strict = strict

    def batches(self, is_wanted: Callable[[], bool]) -> Generator[tuple[int, Shard]]:
        """The shards, each with the number of its snapshot; a broken one is the last.

        Raises Stopped when no longer wanted, and the errors of workers.
        """
        n_left = self._limit
        n_lines = n_places = 0  # before the shard, in its snapshot
        with _folder_of_shards(self._job), made_shards(self._job, self._snapshots, self._known, is_wanted) as made:
            for n, number, shard in self._in_order(made):
                if (self._strict and shard.bad) or (n_left is not None and len(shard.kept) >= n_left):
                    self._shorten(shard, n, number, n_left)
                shard.move(n_lines, n_places)
                if self._strict and shard.bad:
                    shard.broken = refusal(self._snapshots[n].name, *shard.bad[-1])
                yield n, shard
                n_left = None if n_left is None else n_left - len(shard.kept)
                if shard.broken or n_left == 0:
                    return
                n_lines, n_places = n_lines + shard.n_met, n_places + shard.n_lines
                if shard.is_last:
                    n_lines = n_places = 0

    def _in_order(self, made: Iterable[Made]) -> Iterator[tuple[int, int, Shard]]:
        """(number of the snapshot, number of the piece, shard), each once all before it are finished."""
        ready: set[tuple[int, int]] = set()
        n = number = 0  # of the next shard
        for snapshot, piece, failure in made:
            if failure:
                raise_encoded(failure)
            ready.add((snapshot, piece))
            while (n, number) in ready:
                ready.remove((n, number))
                shard = _read(self._job.path(n, number))
                yield n, number, shard
                n, number = (n + 1, 0) if shard.is_last else (n, number + 1)
        if n < len(self._snapshots):
            name = self._snapshots[n].name
            raise LunacyError(f"Ray ended before {name} was read", hint=RUN_AGAIN)

    def _shorten(self, shard: Shard, n: int, number: int, limit: int | None) -> None:
        """Drop the lines after the limit, or after the first bad one, by reading the piece again on this machine."""
        snapshot, job = self._snapshots[n], self._job
        piece = next(piece for piece in cut(snapshot, job.window) if piece.number == number)
        keep = category_filter(job.category)
        batch, _n_met = read_piece(snapshot, piece, keep, recipe=job.fingerprint.text, limit=limit, strict=self._strict)
        for field in fields(Batch):
            setattr(shard, field.name, getattr(batch, field.name))


@contextmanager
def _folder_of_shards(job: Job) -> Iterator[None]:
    """Make the folder of the shards, and remove those of other jobs; afterwards an empty new folder is removed.

    Raises StoreError if something that is not lunacy's is in the way.
    """
    mine = f"{job.name}-*.parquet"
    remove(path for path in own_shards(job.shards.parent) if not path.match(mine))
    if job.shards.is_symlink():
        raise StoreError(
            f"{job.shards.name} is a symbolic link; lunacy does not write through it",
            where=job.shards.parent,
            hint="put a folder in its place",
        )
    for path in job.shards.glob(mine):
        if not is_shard(path):
            raise StoreError(
                f"{path.name} is not lunacy's, or damaged, and a shard goes there",
                where=job.shards,
                hint="move it away and run again",
            )
    is_new = not job.shards.exists()
    job.shards.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if is_new:
            remove_folders([job.shards])


def _read(path: Path) -> Shard:
    deadline = time.monotonic() + _SEEN_S
    while True:
        try:
            return read_shard(path)
        except FileNotFoundError:
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{path.name}, which a worker wrote, is not seen here; "
                    "the index must be in a folder that all machines of the cluster share",
                    where=path.parent,
                ) from None
            time.sleep(_POLL_S)
        except Damaged as error:
            raise StoreError(f"a shard is damaged ({error}); run again: it is made anew") from None
