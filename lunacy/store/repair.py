"""Repair: keep what is whole, drop what is broken, and say which papers must be embedded again."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lunacy.atomic import part_name, sync_folder
from lunacy.entry import Entry
from lunacy.errors import IndexDamaged, StoreError
from lunacy.fingerprint import Fingerprint
from lunacy.progress import Report, no_report, reported
from lunacy.store import caches
from lunacy.store.database import Database, wal_bytes
from lunacy.store.files import remove
from lunacy.store.meta import (
    begin_meta,
    finish_meta,
    insert_segment,
    meta_check,
    read_arithmetic,
    read_fingerprint,
    read_generation,
    read_scope,
    read_segments,
    read_source,
    read_without_words,
    write_without_words,
)
from lunacy.store.own_database import NAME, SHM, WAL
from lunacy.store.own_files import parts, read_mark, writer_lock
from lunacy.store.records import (
    INTO_PAPERS,
    PAPER_COLUMNS,
    add_counts,
    count,
    counted,
    read_paper,
    to_row,
    vector_hashes,
)
from lunacy.store.segments import OpenSegment, Segment
from lunacy.store.verify import segment_fault, verify

_CHUNK = 1024  # rows read at a time


@dataclass(frozen=True, slots=True)
class RepairReport:
    """What a repair did."""

    faults: list[str]  # what was wrong
    n_kept: int  # papers
    lost: list[str]  # ids of papers that must be embedded again
    n_unreadable: int  # rows whose paper could not be read, so that its id is not known


def repair(index: str | Path, *, progress: Report = no_report) -> RepairReport:
    """Mend the index in the folder `index`, by a new `papers.db` of all that can be read and proved right.

    A segment that is not as it was written is dropped whole, with its papers; a paper that is not as it was written is
    dropped alone. The next `build_index` embeds them again. `progress`: as of `verify`.

    Raises IndexLocked while another process writes, NoIndex when there is none, IndexDamaged when not even the list of
    segments can be read.

    >>> mended = lunacy.repair("indexes/sample")
    >>> mended.n_kept, mended.lost
    (2000, [])
    """
    with writer_lock(index) as folder:
        remove(parts(folder))
        faults = _faults(folder, progress)
        if faults:
            caches.drop(folder)  # made again from what is whole
        if not all(fault.startswith(f"{caches.FOLDER_NAME}/") for fault in faults):
            try:
                return _rebuild(folder, faults, progress)
            finally:
                with suppress(OSError):
                    remove(parts(folder))
        with_all = Database(folder)
        [n_papers] = with_all.one("SELECT count(*) FROM papers")
        with_all.close()
        return RepairReport(faults, n_papers, [], 0)


def _faults(folder: Path, progress: Report) -> list[str]:
    try:
        return verify(folder, progress=progress)
    except IndexDamaged as error:
        return [str(error)]


def _rebuild(folder: Path, faults: list[str], progress: Report) -> RepairReport:
    workshop = folder / part_name("repair")
    workshop.mkdir()
    old = Database(folder, writable=True, to_repair=True)
    try:
        fingerprint = _trusted_fingerprint(old)
        new = Database(workshop, writable=True)
        try:
            repaired = _salvage(old, new, fingerprint, faults, progress)
            new.write_back()
        finally:
            new.close()
        old.write_back()
    finally:
        old.close()
    if wal_bytes(folder):  # SQLite would replay it on the new database
        raise StoreError(
            "another process has the index open; nothing was changed: close it and run again", where=folder
        )
    remove([folder / WAL, folder / SHM])
    sync_folder(folder)
    os.replace(workshop / NAME, folder / NAME)
    sync_folder(folder)
    return repaired


def _trusted_fingerprint(old: Database) -> Fingerprint:
    try:
        fingerprint = read_fingerprint(old)
        is_as_written = old.one("SELECT value FROM meta WHERE key = 'check'") == (meta_check(old),)
    except (IndexDamaged, ValueError, TypeError) as error:
        raise IndexDamaged(f"papers.db cannot be read ({error}); build the index again", where=old.folder) from None
    if not is_as_written:
        raise IndexDamaged("what papers.db says of the model has changed; build the index again", where=old.folder)
    return fingerprint


def _salvage(
    old: Database, new: Database, fingerprint: Fingerprint, faults: list[str], progress: Report
) -> RepairReport:
    kept, lost = 0, []
    unreadable: list[int] = []  # rows
    counts: Counter[tuple[str, str]] = Counter()
    segments = read_segments(old)
    sizes = [segment.n_rows for segment in segments]
    for segment in reported("saving what is whole", segments, sizes, progress):
        is_whole = segment_fault(old.folder, segment, fingerprint.dim) is None
        whole: dict[int, tuple[bytes, Entry, int]] = {}  # by row
        hashes = list(_hashes(old.folder, segment, fingerprint.dim)) if is_whole else []
        for found in _papers(old, segment, fingerprint.text):
            if found.entry is not None and is_whole and hashes[found.row - segment.first_row] == found.vector_hash:
                whole[found.row] = found.vector_hash, found.entry, found.added
            elif found.id is not None:
                lost.append(found.id)
            else:
                unreadable.append(found.row)
        kept += len(whole)
        new.insert(INTO_PAPERS, [to_row(row, *one) for row, one in whole.items()])
        counts.update(count(counted(entry, added) for _hash, entry, added in whole.values()))
        if whole:
            insert_segment(new, segment)
            dead = sorted(set(range(segment.first_row, segment.end_row)) - whole.keys())
            new.run_many("INSERT INTO dead VALUES (?)", [(row,) for row in dead])
    outside = _outside(old)
    lost += [identifier for identifier in outside if isinstance(identifier, str)]
    ids = _ids(old) if unreadable else {}
    lost += [str(ids[row]) for row in unreadable if row in ids]
    add_counts(new, counts)
    begin_meta(
        new,
        fingerprint,
        read_scope(old),
        generation=_next_generation(old),
        arithmetic=read_arithmetic(old),
        mark=read_mark(old),
        source=read_source(old),
    )
    if read_without_words(old):
        write_without_words(new)
    finish_meta(new)
    new.run("COMMIT")
    return RepairReport(faults, kept, lost, 0 if ids else len(unreadable))


def _hashes(folder: Path, segment: Segment, dim: int) -> Iterator[bytes]:
    for _start, block in OpenSegment(folder, segment, dim).blocks():
        yield from vector_hashes(block)


def _ids(old: Database) -> dict[int, str]:
    """The id of each row, from SQLite's index of ids, whose pages are others than the papers'; {} when they are bad."""
    try:
        return dict(old.all("SELECT row, id FROM papers INDEXED BY papers_by_id"))
    except StoreError:
        return {}


def _outside(old: Database) -> list[str]:
    """The ids of papers whose row is in no segment."""
    inside = " OR ".join(f"row BETWEEN {one.first_row} AND {one.end_row - 1}" for one in read_segments(old))
    try:
        return [identifier for [identifier] in old.all(f"SELECT id FROM papers WHERE NOT ({inside or 0}) ORDER BY row")]
    except IndexDamaged:  # what can be read at all was read, segment by segment
        return []


def _next_generation(old: Database) -> int:
    newest = max((segment.number for segment in read_segments(old)), default=1)
    try:
        return max(read_generation(old), newest) + 1
    except IndexDamaged:
        return newest + 1


class _Found(NamedTuple):
    """A row of the old database."""

    row: int
    entry: Entry | None = None  # None: the paper is not as it was written
    id: str | None = None  # None: it cannot be read
    vector_hash: bytes = b""
    added: int = 0


def _papers(old: Database, segment: Segment, recipe: str) -> Iterator[_Found]:
    columns = f"row, vector_hash, content_hash, added, {PAPER_COLUMNS}"
    for start in range(segment.first_row, segment.end_row, _CHUNK):
        end = min(start + _CHUNK, segment.end_row)
        found: list[tuple[Any, ...]] = []
        try:
            found = old.all(f"SELECT {columns} FROM papers WHERE row >= ? AND row < ?", (start, end))
        except IndexDamaged:
            for row in range(start, end):
                try:
                    found += old.all(f"SELECT {columns} FROM papers WHERE row = ?", (row,))
                except IndexDamaged:
                    yield _Found(row)
        for row, vector_hash, content_hash, added, *values in found:
            try:
                paper = read_paper(values)
            except IndexDamaged:
                yield _Found(row)
                continue
            possible = (Entry.with_notice(paper, recipe, withdrawn=withdrawn) for withdrawn in (False, True))
            entry = next((one for one in possible if one.content_hash == content_hash), None)
            # no paper of a segment came after it: what says so is damaged, and the segment is the best that is known
            came = added if isinstance(added, int) and 0 < added <= segment.number else segment.number
            yield _Found(row, entry, paper.id, vector_hash, came)
