"""Embedding on the machines of a Ray cluster, or the cores of this one. The only door to ray.

    snapshots -> pieces -> actors, each with the model: a piece -> a shard -> here: shards in order -> the store

An actor writes its shard to disk before it says so: whatever dies, what was embedded is not embedded again, but for the
piece that an actor was at. Ray starts what died anew. All machines see the snapshots and the index folder.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from lunacy.categories import category_filter
from lunacy.embedding import WINDOWS, Embedder, load
from lunacy.errors import LunacyError, MissingExtra, StoreError, UsageError
from lunacy.pipeline.vectors import VectorSource
from lunacy.snapshot import LINE_BYTES, Snapshot, Window, cut, read_ahead, read_piece, refusal
from lunacy.store import is_shard, own_shards, remove, remove_folders

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
for _name, _value in _QUIET.items():
    os.environ.setdefault(_name, _value)  # read when ray is imported
try:
    import ray
    import ray.data

    from lunacy.pipeline.cluster.shards import Damaged, Shard, read_shard
    from lunacy.pipeline.cluster.vectors import ShardVectors
    from lunacy.pipeline.cluster.worker import (
        Actor,
        Job,
        Keys,
        Maker,
        already_loaded,
        grouped_pieces,
        make_job,
        raise_encoded,
    )
except ImportError as error:
    raise MissingExtra(f"--ray ({error})", "ray") from None

__all__ = ["cluster", "maker", "spread"]

_AHEAD = 1024  # answers of actors, a few bytes each
_LARGEST_GROUP = 8  # pieces that an actor is given at a time
_LEAST_TURNS = 16  # groups an actor, before they grow
_CONNECT_S = 5.0
_SEEN_S, _POLL_S = 5.0, 0.1  # for a file that another machine wrote to be seen here


@contextmanager
def cluster(address: str, snapshots: Sequence[Snapshot]) -> Iterator[None]:
    """A connection to the cluster at `address`: "" as `ray.init` has it (RAY_ADDRESS, one that runs here, a new one).

    One that the program already has is used and left. Raises UsageError for snapshots that only this program can read.
    """
    for snapshot in snapshots:
        if snapshot.is_stream:
            raise UsageError(f"{snapshot.name}: other machines cannot read a pipe; give --ray a file")
    if ray.is_initialized():
        yield
        return
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters comes as an error, in a line
    ray._private.worker._worker_logs_enabled = False  # it tells of what died, and that it tries again, on our stdout
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    where = address or os.environ.get("RAY_ADDRESS", "")
    try:
        if ":" in where and "://" not in where:  # ray would try for minutes
            host, _, port = where.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
        with _silence():
            ray.init(address or None, log_to_driver=False, logging_level=logging.CRITICAL, include_dashboard=False)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise LunacyError(
            f"no Ray cluster at {where or 'this machine'} ({_first_line(error)}); start one with: ray start --head"
        ) from error
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)  # which ray takes
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _silence() -> Iterator[None]:
    """Nothing on standard error: where Ray's C++ says that it will say nothing."""
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def maker(embedder: Embedder | None, model: str, *, device: str, **options: Any) -> Maker:
    """How an actor gets its embedder: it loads the model, on a GPU where the cluster has some, or is given this one."""
    if embedder is not None:
        return Maker(partial(already_loaded, embedder), on_gpus=_has_gpus(device), window=embedder.window)
    on_gpus = _has_gpus(device)
    return Maker(partial(load, model, device=device, **options), on_gpus, WINDOWS["cuda" if on_gpus else "cpu"])


def _has_gpus(device: str) -> bool:
    return device in ("auto", "cuda") and _n("GPU") > 0


def spread(
    own: VectorSource,
    there: Maker | None,
    snapshots: Sequence[Snapshot],
    category: Sequence[str],
    into: Path,
    known: Keys,
    *,
    recipe: str,
) -> tuple[VectorSource, Callable[..., Generator[tuple[int, Shard]]]]:
    """Vectors that are made `there`, and what reads the snapshots there, as `_read_shards`.

    `own`: for the few that nobody there has made. `known`: the `text_key` of each paper that needs none, ascending.
    """
    job = make_job(snapshots, category, into, recipe=recipe, fingerprint=own.fingerprint, maker=there)
    return ShardVectors(own, job.window), partial(_read_shards, job, snapshots, known)


def _n(resource: str) -> int:
    return int(ray.cluster_resources().get(resource, 0))


def _read_shards(
    job: Job,
    snapshots: Sequence[Snapshot],
    known: Keys,
    *,
    limit: int | None,
    strict: bool,
    is_wanted: Callable[[], bool],
) -> Generator[tuple[int, Shard]]:
    """The shards in the order of their pieces, each with the number of its snapshot, made where they are not there yet.

    `limit`, `strict`: as of `windows`, of all snapshots. A shard that ends early is the last. Raises Stopped when no
    longer wanted.
    """
    ready: set[tuple[int, int]] = set()
    n_left = limit
    n = number = n_lines = n_places = 0  # of the piece that is next, and what came before it in its snapshot
    with _place_for_shards(job), _answers(_embedding(job, snapshots, known), is_wanted) as answers:
        for snapshot, piece, failure in answers:
            if failure:
                raise_encoded(failure)
            ready.add((snapshot, piece))
            while (n, number) in ready:
                ready.remove((n, number))
                shard = _read(job.path(n, number))
                n_met = shard.n_met
                if (strict and shard.bad) or (n_left is not None and len(shard.kept) >= n_left):
                    _shorten(shard, job, snapshots[n], number, limit=n_left, strict=strict)
                shard.bad = [(one._replace(number=one.number + n_lines), reason) for one, reason in shard.bad]
                shard.places = [place + n_places for place in shard.places]
                shard.rows = {place + n_places: row for place, row in shard.rows.items()}
                if strict and shard.bad:
                    shard.broken = refusal(snapshots[n].name, *shard.bad[-1])
                yield n, shard
                n_left = None if n_left is None else n_left - len(shard.kept)
                if shard.broken or n_left == 0:
                    return
                if shard.is_last:
                    n, number, n_lines, n_places = n + 1, 0, 0, 0
                else:
                    number, n_lines, n_places = number + 1, n_lines + n_met, n_places + shard.n_lines
    if n < len(snapshots):
        raise LunacyError(f"Ray ended before {snapshots[n].name} was read; run again: what was embedded is kept")


@contextmanager
def _place_for_shards(job: Job) -> Iterator[None]:
    """The folder of the shards, without those of other jobs; it goes again if none was made.

    Raises StoreError where something that is not ours stands in the way.
    """
    mine = f"{job.name}-*.parquet"
    remove(path for path in own_shards(job.shards.parent) if not path.match(mine))
    if job.shards.is_symlink():
        raise StoreError(f"{job.shards} is a symbolic link, and lunacy writes through none; put a folder in its place")
    for path in job.shards.glob(mine):
        if not is_shard(path):
            raise StoreError(f"{path} is not lunacy's, or damaged, and a shard goes there; move it away and run again")
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
                    f"{path}, which an actor wrote, is not seen here; "
                    "the index must be in a folder that all machines of the cluster share"
                ) from None
            time.sleep(_POLL_S)
        except Damaged as error:
            raise StoreError(f"a shard is damaged ({error}); run again: it is made anew") from None


def _shorten(shard: Shard, job: Job, snapshot: Snapshot, number: int, *, limit: int | None, strict: bool) -> None:
    """Take lines behind the limit, or behind the first bad one, out of the shard: the piece is read once more, here."""
    piece = next(piece for piece in cut(snapshot, job.window) if piece.number == number)
    keep = category_filter(job.category)
    window, _n_met = read_piece(snapshot, piece, keep, recipe=job.recipe, limit=limit, strict=strict)
    for field in fields(Window):
        setattr(shard, field.name, getattr(window, field.name))


def _embedding(job: Job, snapshots: Sequence[Snapshot], known: Keys) -> Any:
    """A dataset with a row for each shard when it is there: numbers of the snapshot and of the piece, or a failure."""
    on_gpus = job.maker is not None and job.maker.on_gpus
    n_actors = max(1, _n("GPU" if on_gpus else "CPU"))
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # a row is a block, and goes to the next idle actor
    context.execution_no_progress_timeout_s = -1  # a piece may take long, and machines may come back
    with ray.data.DataContext.current(context):
        return _in_groups(job, snapshots, n_actors).map_batches(
            Actor,
            fn_constructor_args=(job, partial(ray.get, ray.put(known))),
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(
                min_size=1,  # so that a cluster that loses machines goes on
                max_size=n_actors,
                initial_size=n_actors,
                max_concurrent_calls_per_actor=2,
                enable_true_multi_threading=True,
            ),
            num_cpus=1,
            num_gpus=1 if on_gpus else 0,
        )


@contextmanager
def _answers(dataset: Any, is_wanted: Callable[[], bool]) -> Iterator[Iterator[tuple[int, int, str]]]:
    """The rows of a dataset, as they come, in any order. Raises Stopped when no longer wanted."""
    batches = iter(dataset.iter_batches(batch_size=None, prefetch_batches=0))  # from here on it runs

    def rows() -> Iterator[tuple[int, int, str]]:
        try:
            for batch in batches:
                yield from zip(*(batch[name].tolist() for name in ("snapshot", "piece", "failure")), strict=True)
        except ray.exceptions.RayError as error:
            raise LunacyError(f"Ray gave up ({_first_line(error)}); run again: what was embedded is kept") from error

    with closing(read_ahead(rows(), _AHEAD, is_wanted)) as answers:
        try:
            yield answers
        finally:
            # Ends what still runs, and waits for it: a connection that is closed before takes the program with it.
            dataset._synchronize_progress_bar()


def _in_groups(job: Job, snapshots: Sequence[Snapshot], n_actors: int) -> Any:
    """A dataset of groups of pieces: of plain snapshots from here, of packed ones from tasks that unpack them.

    A group is what Ray hands to an actor, which takes it some 30 ms: the faster the actors, the more that matters, and
    the fewer groups there are, the longer some actors wait for the last.
    """
    orders = []
    for n, snapshot in enumerate(snapshots):
        n_pieces = (snapshot.size_bytes or 0) // (job.window * LINE_BYTES)
        orders.append({"snapshot": n, "size": min(_LARGEST_GROUP, max(1, n_pieces // (_LEAST_TURNS * n_actors)))})
    plain = [row for one in orders if snapshots[one["snapshot"]].is_plain for row in grouped_pieces(one, job)]
    packed = [one for one in orders if not snapshots[one["snapshot"]].is_plain]
    found = []
    if plain:
        found.append(ray.data.from_items(plain, override_num_blocks=len(plain)))
    if packed:
        # the limit to tasks keeps them from being fused with the actors: one of these would read a whole snapshot
        tasks = ray.data.TaskPoolStrategy(size=len(packed))
        orders = ray.data.from_items(packed, override_num_blocks=len(packed))
        found.append(orders.flat_map(grouped_pieces, fn_args=(job,), compute=tasks, num_cpus=0))
    return found[0] if len(found) == 1 else found[0].union(*found[1:])


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
