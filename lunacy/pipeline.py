"""Building and updating an index: snapshot -> skip what is known -> embed -> store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from lunacy.categories import category_filter
from lunacy.embedding import DEFAULT_MODEL, Embedded, Embedder, GivenVectors, canonical_name, load
from lunacy.errors import SnapshotError, UsageError, VectorsError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import TEXTS, Paper, digest, embedded_text
from lunacy.snapshot import BadLine, Quarantine, Snapshot, parse
from lunacy.store import QUARANTINE_NAME, SEGMENT_ROWS, Entry, Writer, record_hash

_WINDOW = 512  # papers looked up and embedded at a time: seconds of work on the slowest machine
_COMMIT_S = 60.0  # at most so much embedding is lost when a run is killed


@dataclass(slots=True)
class Counts:
    """What became of the lines of a snapshot: each that is not blank is in exactly one of the five after `read`."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    filtered: int = 0
    quarantined: int = 0
    # besides, of those:
    metadata_only: int = 0  # of updated: another title, date or category, the same embedded text
    repeated: int = 0  # lines whose id stood in an earlier line; the later line wins
    cut: int = 0  # texts longer than the model reads

    @property
    def papers(self) -> int:
        """Lines that were papers and passed the filter."""
        return self.added + self.updated + self.unchanged


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `position_bytes` of `size_bytes` (None: unknown) of the snapshot are read."""

    counts: Counts
    position_bytes: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a run did."""

    counts: Counts
    folder: Path
    quarantine: Path | None  # where the bad lines are, if there were any
    wait_s: float = field(compare=False)  # wall time


def build_index(
    snapshot: str | Path | None = None,
    *,
    into: str | Path,
    category: Iterable[str] = (),
    text: str = TEXTS[0],
    limit: int | None = None,
    model: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    vectors: str | Path | None = None,
    strict: bool = False,
    embedder: Embedder | None = None,
    progress: Callable[[Progress], None] = lambda _progress: None,
) -> BuildReport:
    """Build the index in the folder `into` from a snapshot, or bring it up to date.

    `snapshot`: JSON Lines in the schema of the Kaggle arXiv dataset (plain, .gz, .zst, .zip, "-" for standard input);
    None is the sample that lunacy ships. `category`: patterns such as "cs.*"; a paper is kept if any of its
    categories matches. `text`: "title+abstract" or "abstract". `limit`: stop after so many papers. `model`: a
    sentence-transformers model by name or folder. `vectors`: a .npy file (n_lines, dim), float16 or float32, one row
    a line that is not blank; `model` is then only recorded. `strict`: stop at the first bad line. `embedder`: instead
    of `model`.

    Raises a LunacyError: SnapshotError, ModelError, VectorsError, FingerprintMismatch, IndexLocked, UsageError, ...
    What was committed before stays, and running again goes on from there.
    """
    started = time.monotonic()
    if text not in TEXTS:
        raise UsageError(f"text {text!r} is unknown; choose one of {', '.join(TEXTS)}")
    keep = category_filter(category)
    into = Path(into)
    counts = Counts()
    broken: list[SnapshotError] = []
    with Snapshot(snapshot) as opened:
        if vectors is not None:
            embed, fingerprint, arithmetic = _from_file(opened, vectors, model, text)
        else:
            embedder = embedder or load(model or DEFAULT_MODEL, device=device, batch_size=batch_size)
            embed, fingerprint, arithmetic = _from_model(embedder, text)
        with (
            Writer(into, fingerprint, arithmetic) as writer,
            Quarantine(into / QUARANTINE_NAME, opened.name) as bad,
        ):
            committed = time.monotonic()
            papers = islice(_read(opened, keep, bad, counts, broken, strict=strict), limit)
            for window in _windows(papers):
                _take_in(window, text, writer, counts, embed)
                if writer.n_pending >= SEGMENT_ROWS - _WINDOW or time.monotonic() - committed >= _COMMIT_S:
                    writer.commit()
                    committed = time.monotonic()
                progress(Progress(counts, opened.position_bytes, opened.size_bytes))
            writer.commit()
    if broken:
        raise broken[0]
    if counts.quarantined and not counts.papers + counts.filtered:
        raise SnapshotError(f"{opened.name}: not one line is a paper; the reasons are in {bad.path}")
    return BuildReport(counts, into, bad.path if counts.quarantined else None, time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A paper from the snapshot that passed the filter."""

    paper: Paper
    place: int  # from 0, among the lines that are not blank: its row in a file of vectors


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A paper that needs a vector."""

    entry: Entry
    place: int
    text: str


_Embed = Callable[[Sequence[_Fresh]], Embedded]


def _from_model(embedder: Embedder, text: str) -> tuple[_Embed, Fingerprint, str]:
    fingerprint = replace(embedder.fingerprint, text=text)
    return lambda fresh: embedder.embed([one.text for one in fresh]), fingerprint, embedder.arithmetic


def _from_file(snapshot: Snapshot, path: str | Path, model: str | None, text: str) -> tuple[_Embed, Fingerprint, str]:
    """Vectors that the user brings, checked against the snapshot before anything is written."""
    if model is None:
        raise UsageError("vectors need the name of the model that made them, for later text queries: --model NAME")
    if snapshot.is_stream:
        raise UsageError("vectors need a snapshot that is a file: its lines are counted before anything is written")
    given = GivenVectors(path)
    n_lines = sum(1 for _ in snapshot.lines())
    if n_lines != given.n_rows:
        raise VectorsError(
            f"{path} has {given.n_rows:,} rows, but {snapshot.name} has {n_lines:,} lines; nothing was written"
        )
    fingerprint = Fingerprint(model=canonical_name(model), text=text, dim=given.dim)
    return (
        lambda fresh: Embedded(given.unit_rows([one.place for one in fresh]), 0),
        fingerprint,
        "given vectors",
    )


def _read(
    snapshot: Snapshot,
    keep: Callable[[tuple[str, ...]], bool],
    quarantine: Quarantine,
    counts: Counts,
    broken: list[SnapshotError],
    *,
    strict: bool,
) -> Iterator[_Candidate]:
    """The papers that pass the filter. What ends the reading early goes to `broken`: the papers before it count."""
    try:
        for place, line in enumerate(snapshot.lines()):
            counts.read += 1
            try:
                paper = parse(line)
            except BadLine as reason:
                counts.quarantined += 1
                quarantine.add(line, str(reason))
                if strict:
                    broken.append(SnapshotError(f"{snapshot.name}, line {line.number}, byte {line.offset}: {reason}"))
                    return
                continue
            if keep(paper.categories):
                yield _Candidate(paper, place)
            else:
                counts.filtered += 1
    except SnapshotError as error:
        broken.append(error)


def _windows(papers: Iterator[_Candidate]) -> Iterator[list[_Candidate]]:
    while window := list(islice(papers, _WINDOW)):
        yield window


def _take_in(window: Sequence[_Candidate], text: str, writer: Writer, counts: Counts, embed: _Embed) -> None:
    """Skip what the index has, embed the rest, and hand it to the writer."""
    known = writer.known([candidate.paper.id for candidate in window])
    latest = {identifier: (one.digest, one.record) for identifier, one in known.items()}
    met = {identifier for identifier, one in known.items() if one.is_met}
    fresh: dict[str, _Fresh] = {}
    amended: dict[str, Entry] = {}
    for candidate in window:
        its_id, its_text = candidate.paper.id, embedded_text(candidate.paper, text)
        entry = Entry(candidate.paper, digest(its_text), record_hash(candidate.paper))
        before, latest[its_id] = latest.get(its_id), (entry.digest, entry.record)
        counts.repeated += its_id in met
        met.add(its_id)
        if before == latest[its_id]:
            counts.unchanged += 1
            continue
        if before is None:
            counts.added += 1
        else:
            counts.updated += 1
        if before is not None and before[0] == entry.digest and its_id not in fresh:
            counts.metadata_only += 1
            amended[its_id] = entry
        else:
            fresh[its_id] = _Fresh(entry, candidate.place, its_text)
            amended.pop(its_id, None)

    writer.amend(list(amended.values()))
    if fresh:
        embedded = embed(list(fresh.values()))
        counts.cut += embedded.n_cut
        writer.remove([identifier for identifier in fresh if identifier in known])
        writer.append([one.entry for one in fresh.values()], embedded.vectors)
