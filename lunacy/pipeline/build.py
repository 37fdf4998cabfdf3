"""Build an index, or bring it up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lunacy.embedding import Embedder
from lunacy.pipeline.build_inputs import cluster_reader, local_reader, open_cluster, open_snapshots, open_source
from lunacy.pipeline.build_request import BuildRequest
from lunacy.pipeline.build_run import Run
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.first_pass import check_snapshots
from lunacy.pipeline.prune import PRUNE_LIMIT
from lunacy.progress import Report, no_report
from lunacy.snapshot import Quarantine
from lunacy.store import Writer, expanded, new_quarantine


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did."""

    counts: Counts
    folder: Path
    quarantine: Path | None  # where the bad lines are, if there were any
    wait_s: float = field(compare=False)  # seconds
    notes: tuple[str, ...] = ()  # what may surprise about how the model ran


def build_index(
    snapshot: str | Path | Sequence[str | Path] | None = None,
    *,
    into: str | Path,
    category: Iterable[str] | None = None,
    text: str | None = None,
    limit: int | None = None,
    model: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    prompt: str | None = None,
    dims: int | None = None,
    long_texts: str | None = None,
    vectors: str | Path | None = None,
    strict: bool = False,
    prune: bool = False,
    prune_limit: float = PRUNE_LIMIT,
    embedder: Embedder | None = None,
    ray: str | None = None,
    lexical: bool = True,
    up_to: str | None = None,
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
) -> BuildReport:
    """Build the index in the folder `into` from a snapshot or several, or bring it up to date.

    An index remembers `category`, `text`, `model`, `prompt`, `dims` and `long_texts`: what is left out is as it was.
    Of these only `category` may be changed.

    - `snapshot`: JSON Lines in the schema of the Kaggle arXiv dataset, plain or packed, or "-" for standard input; or
      several, read one after another. None: the sample that lunacy ships.
    - `into`: the folder of the index, made if it is not there.
    - `category`: patterns such as "cs.*". A paper is kept if any of its categories matches. "*": all papers.
    - `text`: what is embedded of a paper, "title+abstract" (the default) or "abstract".
    - `limit`: stop after so many papers.
    - `model`: a sentence-transformers model, by name or folder.
    - `device`: "auto", "cpu", "cuda", "cuda:1", "mps", ...
    - `batch_size`: texts in a batch. None: depends on the device.
    - `prompt`: put before each text. None: the model's own.
    - `dims`: keep so many leading dimensions (Matryoshka models).
    - `long_texts`: "cut" at what the model reads, or "chunk" to average over windows.
    - `vectors`: a .npy file (n_lines, dim), float16 or float32, one row for each line that is not blank, instead of
      those of a model; `model` is then only recorded.
    - `strict`: refuse a snapshot with a bad line before anything is embedded; a stream is read up to it.
    - `prune`: remove the papers that the snapshots no longer hold, ...
    - `prune_limit`: ... unless that is more than this share of all; then nothing is embedded either.
    - `embedder`: instead of `model`.
    - `ray`: embed on a Ray cluster at "host:port", "auto", "local" or, "", where `ray.init` finds or starts it. Its
      machines see the snapshots and `into` under the same names.
    - `lexical`: False makes no word index, which the ranks "hybrid" and "lexical" need, and takes away one that is
      there; the index remembers it, and `build_lexical` makes one later. It is made when the papers are stored: what
      goes wrong then is a `note`.
    - `up_to`: the day up to which the snapshots tell all changes, where that is not the last change of a paper in them,
      for later calls of `update`; "": they tell only some.
    - `progress`: called with how far the run is.
    - `note`: called with what the user should know, once for each thing, as soon as it is known.

    Raises a LunacyError: SnapshotError, ModelError, VectorsError, FingerprintMismatch, IndexLocked, UsageError, ...
    What was committed before stays, and running again goes on from there.

    >>> report = lunacy.build_index("snapshot.jsonl", into="indexes/mine", category=["cs.*"])
    >>> report.counts.added, report.counts.filtered
    (4, 2)
    """
    started = time.monotonic()
    request = BuildRequest(
        snapshot=snapshot,
        into=expanded(into),
        category=category,
        text=text,
        limit=limit,
        model=model,
        device=device,
        batch_size=batch_size,
        prompt=prompt,
        dims=dims,
        long_texts=long_texts,
        vectors=vectors,
        strict=strict,
        prune=prune,
        prune_limit=prune_limit,
        embedder=embedder,
        ray=ray,
        up_to=up_to,
        lexical=lexical,
    )
    settings = request.settings()
    notes = _Notes(note)
    notes.tell(settings.notes)
    with open_snapshots(request.snapshot) as snapshots, open_cluster(request, settings, snapshots) as cluster:
        source = open_source(request, settings, snapshots, cluster, notes.tell, progress)
        notes.tell(source.notes)
        made_by = source.fingerprint if settings.recorded else None  # of a new index it is known with the first paper
        with (
            Writer(request.into, made_by, scope=settings.scope, new=True) as writer,
            Quarantine(new_quarantine(request.into)) as quarantine,
        ):
            if not lexical:
                writer.leave_out_words()
            local = local_reader(request, settings, snapshots, source)
            check_snapshots(request, settings, snapshots, local, progress)
            reader = cluster_reader(request, settings, snapshots, cluster, source, writer) if cluster else local
            run = Run(request, settings.scope, snapshots, reader, source, writer, quarantine, notes.tell, progress)
            run.to_the_end()
    return BuildReport(
        counts=run.counts,
        folder=request.into,
        quarantine=quarantine.path if run.counts.quarantined else None,
        wait_s=time.monotonic() - started,
        notes=tuple(source.notes),
    )


class _Notes:
    """Passes on what the user should know, each note once."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._told: set[str] = set()

    def tell(self, notes: Iterable[str]) -> None:
        for one in notes:
            if one not in self._told:
                self._told.add(one)
                self._note(one)
