"""Bring an index up to date with arXiv itself: harvest what changed since the last time, then build as ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from lunacy.embedding import Embedder
from lunacy.errors import HarvestError, SnapshotError, UsageError
from lunacy.harvest import ENDPOINT, Client, Page, TokenExpired, list_records, open_client, set_of, to_line
from lunacy.paper import Paper, canonical_id
from lunacy.pipeline.build import BuildReport, build_index
from lunacy.pipeline.counts import Counts
from lunacy.pipeline.diff import DiffReport, diff
from lunacy.progress import Progress, Report, no_report
from lunacy.store import HARVEST, SNAPSHOT, Harvest, Spool, Store, expanded

EARLIEST = "2005-09-16"  # arXiv has no older datestamp, and refuses to be asked for one
_OVERLAP = {HARVEST: 2, SNAPSHOT: 7}  # days that are asked for again; Kaggle's copy may lag behind its dates
_QUIET_DAYS = 7  # in which nothing may change
_FAR_DAYS = 366
_MOST_RESTARTS = 3
_SAY_SINCE = "say from which day on to ask for changes, such as --since 2026-11-01"
_DELETED = "This paper has been withdrawn: arXiv lists its record as deleted."


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What an update did."""

    folder: Path
    since: str  # the day from which changes were asked for
    up_to: str  # the day up to which the index knows all changes; "" if it is not known
    counts: Counts
    quarantine: Path | None  # where the bad records are, if there were any
    wait_s: float = field(compare=False)  # seconds


def update(
    index: str | Path,
    *,
    since: str | None = None,
    endpoint: str = ENDPOINT,
    contact: str = "",
    device: str = "auto",
    embedder: Embedder | None = None,
    client: Client | None = None,
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
) -> UpdateReport:
    """Take in what changed on arXiv since the index in the folder `index` was last brought up to date.

    The index keeps to its categories, text and model. What is harvested is kept in its folder `harvest/`; whatever ends
    an update early, the next one goes on from there.

    - `since`: ask for the changes from this day on, "2026-11-01", instead of from the last update.
    - `endpoint`: the address of a server that speaks OAI-PMH as arXiv's does.
    - `contact`: an address that the server learns, in case that something goes wrong.
    - `device`, `embedder`, `progress`, `note`: as of `build_index`.
    - `client`: instead of `endpoint` and `contact`.

    Raises HarvestError when arXiv cannot be asked or understood, NoIndex, IndexLocked, UsageError, and what
    `build_index` raises.
    """
    started = time.monotonic()
    folder = expanded(index)
    source, known = _last_update(folder)
    counts, quarantine = Counts(), None
    with Spool(folder) as spool, open_client(client, endpoint, contact, note) as opened:
        rest: dict[str, Any] = {"device": device, "embedder": embedder, "progress": progress, "note": note}
        if spool.last is not None and spool.last.is_complete:  # of an update that was stopped behind the harvest
            quarantine = _take_in(spool, folder, counts, rest, is_old=True)
            source, known = _last_update(folder)
        begin = _begin(source, known, since, opened.now())
        _harvest(spool, folder, opened, begin, progress)
        quarantine = _take_in(spool, folder, counts, rest) or quarantine
    return UpdateReport(folder, begin, _last_update(folder)[1], counts, quarantine, time.monotonic() - started)


def preview_update(
    index: str | Path,
    *,
    since: str | None = None,
    endpoint: str = ENDPOINT,
    contact: str = "",
    client: Client | None = None,
    progress: Report = no_report,
    note: Callable[[str], None] = lambda _text: None,
) -> DiffReport:
    """What `update` would change. The harvest is kept, and `update` begins with it."""
    folder = expanded(index)
    source, known = _last_update(folder)
    with Spool(folder) as spool, open_client(client, endpoint, contact, note) as opened:
        begin = _begin(source, known, since, opened.now())
        is_todays = spool.last is not None and spool.last.day == opened.now().date().isoformat()
        if spool.last is None or not spool.last.is_complete or not is_todays:
            _harvest(spool, folder, opened, begin, progress)
        if spool.path is None:
            return DiffReport([], [], [], [], [], 0, 0, 0)
        return diff(folder, spool.path, is_whole=False, progress=progress)


def _last_update(folder: Path) -> tuple[str, str]:
    with Store(folder) as store, store.view() as view:
        view.require_papers(folder)
        return view.source


def _begin(source: str, known: str, since: str | None, now: datetime) -> str:
    """The day from which on to ask for changes."""
    given = since if since is not None else known
    try:
        day = date.fromisoformat(given)
    except ValueError:
        if since is not None:
            raise UsageError(f"since is {since!r}", hint="give a day, such as 2026-11-01") from None
        raise UsageError("the index does not know up to when its papers are complete", hint=_SAY_SINCE) from None
    if day > now.date() + timedelta(days=_FAR_DAYS):  # one wrong date in a snapshot, and nothing would ever be new
        what = f"since is {since}" if since is not None else f"the index says that it is complete up to {known}"
        raise UsageError(f"{what}, which is to come", hint=_SAY_SINCE)
    overlap = timedelta(days=_OVERLAP.get(source, 7) if since is None else 0)
    return max(EARLIEST, (day - overlap).isoformat())


def _harvest(spool: Spool, folder: Path, client: Client, begin: str, progress: Report) -> None:
    """Bring the list of changes onto the disk, going on with one that is there."""
    with Store(folder) as store, store.view() as view:
        asked = {"endpoint": client.endpoint, "from": begin, "set": set_of(view.scope.category)}
    if not _goes_on(spool.last, asked, client.now()):
        spool.begin(asked)
    for n_restarts in range(_MOST_RESTARTS + 1):
        assert spool.last is not None
        n_records = 0
        try:
            for page in list_records(client, spool.last.asked, spool.last.token):
                newest = max(one.datestamp for one in page.records)
                spool.add(_lines(page, folder), page.date, newest=newest, token=page.token, expires=page.expires)
                n_records += len(page.records)
                progress(Progress("asking arXiv", n_records, unit="records"))
        except TokenExpired as error:
            if n_restarts == _MOST_RESTARTS:
                what = f"refuses its own tokens ({error})"
                raise HarvestError(what, where=client.endpoint, hint="run the same command again later") from None
            spool.begin(spool.last.asked)
            continue
        if not spool.last.is_complete:  # it ended with a reply that says so, and has no record
            spool.add(b"", spool.last.day)
        return


def _goes_on(last: Harvest | None, asked: dict[str, str], now: datetime) -> bool:
    """Whether a harvest that was stopped is of the same list, and its token still good by our clock."""
    if last is None or not last.token or {**last.asked, "from": ""} != {**asked, "from": ""}:
        return False
    expires = last.expires or (date.fromisoformat(last.day) + timedelta(days=1)).isoformat()
    try:
        moment = datetime.fromisoformat(expires)
    except ValueError:
        return False
    return last.asked["from"] <= asked["from"] and now < (moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _lines(page: Page, folder: Path) -> bytes:
    """The page as JSON Lines. A deleted paper that the index has becomes one with a notice of withdrawal."""
    deleted = {canonical_id(one.identifier) or "": one.datestamp for one in page.records if one.is_deleted}
    lines = [to_line(record) for record in page.records if not record.is_deleted]
    lines += [_withdrawn(paper, deleted[paper.id]) for paper in _papers(folder, list(deleted))]
    return b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)


def _papers(folder: Path, ids: Sequence[str]) -> list[Paper]:
    """Those of `ids` that the index has."""
    if not ids:
        return []
    with Store(folder) as store, store.view() as view:
        return view.papers(np.array(sorted(view.rows(ids).values()), np.int64))


def _withdrawn(paper: Paper, day: str) -> dict[str, Any]:
    versions = [{"created": ""}] * paper.n_versions
    return {
        "id": paper.id,
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": paper.authors,
        "categories": " ".join(paper.categories),
        "doi": paper.doi,
        "comments": f"{_DELETED} {paper.comments.removeprefix(_DELETED).strip()}".strip(),
        "authors_parsed": [name.split(", ") for name in paper.names.split("; ") if name],
        "journal-ref": paper.journal_ref,
        "versions": versions,
        "created": paper.submitted,
        "update_date": day,
    }


def _take_in(
    spool: Spool, folder: Path, counts: Counts, options: dict[str, Any], *, is_old: bool = False
) -> Path | None:
    """Build with what was harvested, and count it; where the bad records are.

    `is_old`: by an earlier process, which may have taken in a part.
    """
    last = spool.last
    assert last is not None
    if spool.path is None:
        spool.done(keep=False)
        return None
    _source, known = _last_update(folder)
    # a server's clock that is ahead must not skip days: nearly every day has a change
    is_likely = last.newest and last.day <= (date.fromisoformat(last.newest) + timedelta(days=_QUIET_DAYS)).isoformat()
    up_to = last.day if is_likely else min(last.day, last.newest)
    if known and known < last.asked["from"]:
        up_to = ""
        options["note"](f"what changed from {known} to {last.asked['from']} was not asked for; the next update does")
    try:
        report: BuildReport = build_index(spool.path, into=folder, up_to=up_to, **options)
    except SnapshotError:
        spool.done(keep=False)
        raise
    spool.done(keep=is_old or bool(report.counts.added or report.counts.updated))
    for name in (one.name for one in fields(Counts)):
        setattr(counts, name, getattr(counts, name) + getattr(report.counts, name))
    return report.quarantine
