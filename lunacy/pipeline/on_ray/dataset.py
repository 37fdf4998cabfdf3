"""A job as a Ray dataset: pieces of the snapshots go in, and a row comes out for each finished shard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import ray
import ray.data

from lunacy.errors import LunacyError, SnapshotError
from lunacy.pipeline.on_ray.connection import first_line, n_of
from lunacy.pipeline.on_ray.failure import encode_error
from lunacy.pipeline.on_ray.job import Job, Keys
from lunacy.pipeline.on_ray.worker import Worker, pack_pieces
from lunacy.snapshot import LINE_BYTES, Snapshot, cut, read_ahead

RUN_AGAIN = "run again: what was embedded is kept"
_AHEAD = 1024  # rows of a few bytes
_LARGEST_GROUP = 8  # pieces handed to a worker at a time
_LEAST_TURNS = 16  # groups per worker, before groups grow


class Made(NamedTuple):
    """A finished shard, by the numbers of its snapshot and its piece, or why it could not be made."""

    snapshot: int
    piece: int
    failure: str  # see `encode_error`; empty for a finished shard


@contextmanager
def made_shards(
    job: Job, snapshots: Sequence[Snapshot], known: Keys, is_wanted: Callable[[], bool]
) -> Iterator[Iterator[Made]]:
    """The shards of a job as workers finish them, in any order. Raises Stopped when no longer wanted."""
    dataset = _embedding(job, snapshots, known)
    batches = iter(dataset.iter_batches(batch_size=None, prefetch_batches=0))  # starts the work

    def rows() -> Iterator[Made]:
        try:
            for batch in batches:
                yield from map(Made, *(batch[name].tolist() for name in Made._fields))
        except ray.exceptions.RayError as error:
            raise LunacyError(f"Ray gave up ({first_line(error)})", hint=RUN_AGAIN) from error

    with closing(read_ahead(rows(), _AHEAD, is_wanted)) as made:
        try:
            yield made
        finally:
            # Stops the work and waits: closing the connection earlier would kill this program.
            dataset._synchronize_progress_bar()


def _embedding(job: Job, snapshots: Sequence[Snapshot], known: Keys) -> Any:
    """A dataset with the columns of Made."""
    on_gpus = job.maker is not None and job.maker.on_gpus
    n_workers = max(1, n_of("GPU" if on_gpus else "CPU"))
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # a row is a block, and goes to the next idle worker
    context.execution_no_progress_timeout_s = -1  # a piece may take long, and lost machines may return
    with ray.data.DataContext.current(context):
        return _in_groups(job, snapshots, n_workers).map_batches(
            Worker,
            fn_constructor_args=(job, partial(ray.get, ray.put(known))),
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(
                min_size=1,  # so that a cluster that loses machines goes on
                max_size=n_workers,
                initial_size=n_workers,
                max_concurrent_calls_per_actor=2,
                enable_true_multi_threading=True,
            ),
            num_cpus=1,
            num_gpus=1 if on_gpus else 0,
        )


def _in_groups(job: Job, snapshots: Sequence[Snapshot], n_workers: int) -> Any:
    """A dataset of groups of pieces: plain snapshots are cut here, packed ones by tasks that unpack them.

    To hand a group to a worker takes Ray some 30 ms: larger groups suit fast workers. But with too few groups, some
    workers idle at the end.
    """
    orders = []
    for n, snapshot in enumerate(snapshots):
        n_pieces = (snapshot.size_bytes or 0) // (job.window * LINE_BYTES)
        orders.append({"snapshot": n, "size": min(_LARGEST_GROUP, max(1, n_pieces // (_LEAST_TURNS * n_workers)))})
    plain = [row for one in orders if snapshots[one["snapshot"]].is_plain for row in grouped_pieces(one, job)]
    packed = [one for one in orders if not snapshots[one["snapshot"]].is_plain]
    datasets = []
    if plain:
        datasets.append(ray.data.from_items(plain, override_num_blocks=len(plain)))
    if packed:
        # a limit keeps Ray from fusing the tasks with the workers, so that one worker would do a whole snapshot
        tasks = ray.data.TaskPoolStrategy(size=len(packed))
        to_unpack = ray.data.from_items(packed, override_num_blocks=len(packed))
        datasets.append(to_unpack.flat_map(grouped_pieces, fn_args=(job,), compute=tasks, num_cpus=0))
    return datasets[0] if len(datasets) == 1 else datasets[0].union(*datasets[1:])


def grouped_pieces(order: dict[str, Any], job: Job) -> Iterator[dict[str, Any]]:
    """The pieces of a snapshot, one row per group. `order`: the snapshot's number, and the size of a group."""
    n = order["snapshot"]
    source, size_bytes = job.snapshots[n]
    try:
        with Snapshot(source) as snapshot:
            if snapshot.size_bytes != size_bytes:
                raise SnapshotError(f"{snapshot.name} has {snapshot.size_bytes} bytes there, and {size_bytes} here")
            pieces = cut(snapshot, job.window)
            while group := list(islice(pieces, order["size"])):
                yield {"snapshot": n, "pieces": pack_pieces(group), "failure": ""}
    except Exception as error:  # noqa: BLE001 (raised again in the program that started the build)
        yield {"snapshot": n, "pieces": pack_pieces([]), "failure": encode_error(error)}
