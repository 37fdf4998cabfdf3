"""`lunacy update`: what arXiv tells comes into the index, whatever happens on the way, once."""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

import lunacy
from lunacy.errors import HarvestError, IndexLocked, NoIndex, PruneRefused, SnapshotError, StoreError, UsageError
from lunacy.harvest import Client
from lunacy.pipeline import build_index
from lunacy.pipeline.update import UpdateReport, preview_update, update
from lunacy.store import Spool, Writer, verify
from tests.conftest import FakeEmbedder, few_quick, lines
from tests.harvest.archive import Entry, kaggle, paper
from tests.harvest.server import FAULTS, Clock, Server, send
from tests.test_cli import run
from tests.test_pipeline import assert_counts, contents
from tests.test_scope import recorded_source
from tests.test_store import database

DAY = "2026-11-26"
OLD = [paper(n, datestamp="2026-11-01" if n == 1 else "2026-10-01") for n in range(1, 21)]
NEW = [paper(n, datestamp="2026-11-20") for n in range(21, 46)]
REVISED = [
    replace(OLD[n], datestamp="2026-11-21", title=f"Revised {n}", versions=OLD[n].versions * 2) for n in range(3)
]
AMENDED = [replace(OLD[n], datestamp="2026-11-22", doi=f"10.1/{n}") for n in range(3, 9)]
CHANGED = [*NEW, *REVISED, *AMENDED]  # 34: 4 pages
NOW = [*REVISED, *AMENDED, *OLD[9:], *NEW]


@pytest.fixture(scope="module")
def _old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("old")
    (home / "old.jsonl").write_bytes(lines(map(kaggle, OLD)))
    build_index(home / "old.jsonl", into=home / "index", embedder=FakeEmbedder())
    return home


@pytest.fixture
def folder(_old: Path, tmp_path: Path) -> Path:
    """An index of OLD, as Kaggle's snapshot has it, which is beside it."""
    shutil.copytree(_old, tmp_path, dirs_exist_ok=True)
    return tmp_path / "index"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Server]:
    with Server([*OLD, *CHANGED], clock=clock, day=DAY).running() as running:
        running.entries = NOW
        yield running


@pytest.fixture
def now() -> list[datetime]:
    """The day's time, to be changed."""
    return [datetime(2026, 11, 26, 12, tzinfo=UTC)]


@pytest.fixture
def bring(folder: Path, server: Server, clock: Clock, now: list[datetime]) -> Callable[..., UpdateReport]:
    """Bring the index up to date with what the server has."""

    def call(**options: Any) -> UpdateReport:
        noon = datetime.fromisoformat(f"{server.day}T12:00:00+00:00")
        client = Client(server.url, sleep=clock.sleep, clock=clock, now=lambda: max(now[0], noon))
        return update(folder, **{"client": client, "embedder": FakeEmbedder(), **options})

    return call


def bring_whole(tmp_path: Path, entries: list[Entry]) -> Path:
    """An index of the entries, built at once."""
    found = map(kaggle, entries)
    notice = {"comments": "This paper has been withdrawn."}
    noted = (line | (notice if one.source_type == "I" else {}) for one, line in zip(entries, found, strict=True))
    (tmp_path / "whole.jsonl").write_bytes(lines(noted))
    build_index(tmp_path / "whole.jsonl", into=tmp_path / "whole", embedder=FakeEmbedder())
    return tmp_path / "whole"


def papers_of(folder: Path) -> set[tuple[Any, ...]]:
    """All that is stored of the papers, but for their rows and when they came."""
    with database(folder) as connection:
        columns = [one[1] for one in connection.execute("PRAGMA table_info(papers)")]
        kept = ", ".join(one for one in columns if one not in ("row", "added"))
        return set(connection.execute(f"SELECT {kept} FROM papers"))


def test_an_update_makes_the_index_that_a_whole_snapshot_makes(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, tmp_path: Path, embedder: FakeEmbedder
) -> None:
    report = bring(embedder=embedder)
    assert_counts(report, read=34, added=25, updated=9, metadata_only=6)
    assert (report.since, report.up_to) == ("2026-10-25", DAY)
    assert server.log[0][1] == {"verb": "ListRecords", "metadataPrefix": "arXivRaw", "from": "2026-10-25"}
    assert len(embedder.texts) == 28  # each new text once
    assert papers_of(folder) == papers_of(bring_whole(tmp_path, NOW))
    assert verify(folder) == []
    assert recorded_source(folder) == ("harvest", DAY)


def test_the_next_update_asks_from_two_days_before_the_last(
    bring: Callable[..., UpdateReport], folder: Path, server: Server
) -> None:
    bring()
    server.log.clear()
    server.day = "2026-11-27"
    server.entries = [*NOW, paper(60, datestamp="2026-11-24"), paper(61, datestamp="2026-11-27")]
    assert_counts(bring(), read=2, added=2)
    assert [query["from"] for _at_s, query in server.log] == ["2026-11-24"]
    assert recorded_source(folder) == ("harvest", "2026-11-27")


def test_nothing_new_changes_nothing_and_needs_no_model(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, embedder: FakeEmbedder
) -> None:
    bring()
    before = contents(folder)
    server.day = "2026-11-30"
    assert_counts(bring(embedder=embedder))
    assert contents(folder) == before
    assert recorded_source(folder) == ("harvest", DAY)  # no reply told of another day
    server.entries = [replace(one, datestamp="2026-11-30") for one in NOW[:3]]
    assert_counts(bring(embedder=embedder), read=3, updated=3, metadata_only=3)  # the dates moved, the texts did not
    assert recorded_source(folder) == ("harvest", "2026-11-30")
    assert embedder.texts == []


def test_records_that_are_known_count_as_unchanged_and_are_not_kept(
    bring: Callable[..., UpdateReport], folder: Path
) -> None:
    bring()
    kept = sorted(path.name for path in (folder / "harvest").glob("*.gz"))
    assert_counts(bring(since="2026-11-20"), read=34, unchanged=34)
    assert sorted(path.name for path in (folder / "harvest").glob("*.gz")) == kept == [f"{DAY}.jsonl.gz"]


EACH = [(fault, page) for fault in FAULTS for page in range(4) if (fault, page) != ("expired token", 0)]
QUICK = [("200 with a page", 0), ("cut between records", 1), ("expired token", 2), ("reset", 3)]


@pytest.mark.parametrize(("fault", "page"), few_quick(EACH, *QUICK))
def test_a_fault_leaves_the_index_as_without(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, tmp_path: Path, fault: str, page: int
) -> None:
    server.faults[page] = FAULTS[fault]
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)
    assert papers_of(folder) == papers_of(bring_whole(tmp_path, NOW))
    again = page + 1 if fault == "expired token" else 1  # from the beginning, or the page
    assert len(server.log) == 4 + again


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_faults_at_random_leave_the_index_as_without(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, tmp_path: Path, seed: int
) -> None:
    choice = random.Random(seed)
    server.faults = {n: choice.choice(list(FAULTS.values())) for n in range(1, 30) if choice.random() < 0.5}
    for _ in range(20):
        try:
            bring()
            break
        except HarvestError:
            pass
    assert papers_of(folder) == papers_of(bring_whole(tmp_path, NOW))
    times = [at_s for at_s, _query in server.log]
    assert all(later - before >= 3 for before, later in pairwise(times))


def down(handler: Any, _body: bytes) -> None:
    send(handler, b"", 404)


def test_an_update_that_failed_goes_on_without_asking_again(
    bring: Callable[..., UpdateReport], folder: Path, server: Server
) -> None:
    server.faults[2] = down
    with pytest.raises(HarvestError, match="HTTP 404"):
        bring()
    assert recorded_source(folder) == ("snapshot", "2026-11-01")
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)
    asked = [query.get("resumptionToken", "first") for _at_s, query in server.log]
    assert len(asked) == 5
    assert asked[2] == asked[3]
    assert len(set(asked)) == 4


def test_a_token_of_yesterday_is_not_used(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, now: list[datetime]
) -> None:
    server.faults[2] = down
    with pytest.raises(HarvestError):
        bring()
    now[0] = datetime(2026, 11, 27, 1, tzinfo=UTC)  # the tokens were good until midnight
    server.day = "2026-11-27"
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)
    assert "resumptionToken" not in server.log[3][1]
    assert sorted(path.name for path in (folder / "harvest").glob("*.gz")) == ["2026-11-27.jsonl.gz"]


def test_a_server_that_never_knows_its_tokens_is_given_up(bring: Callable[..., UpdateReport], server: Server) -> None:
    server.faults = dict.fromkeys(range(1, 99, 2), FAULTS["expired token"])
    with pytest.raises(HarvestError, match="refuses its own tokens"):
        bring()
    assert len(server.log) == 8
    server.faults = {}
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)


def test_an_update_that_failed_behind_the_harvest_takes_it_in_first(
    bring: Callable[..., UpdateReport], server: Server
) -> None:
    class Broken(FakeEmbedder):
        def run(self, _prepared: Any) -> Any:
            raise StoreError("no room")

    with pytest.raises(StoreError, match="no room"):
        bring(embedder=Broken())
    server.log.clear()
    server.entries = [*NOW, paper(70, datestamp="2026-11-25")]
    assert_counts(bring(), read=35, added=26, updated=9, metadata_only=6)
    assert [query["from"] for _at_s, query in server.log] == ["2026-11-24"]  # only what came since


def test_what_is_pending_is_taken_in_even_when_arxiv_is_down(
    bring: Callable[..., UpdateReport], folder: Path, server: Server
) -> None:
    preview = Client(server.url, sleep=lambda _s: None)
    assert len(preview_update(folder, client=preview).new) == 25
    server.faults = dict.fromkeys(range(99), down)
    with pytest.raises(HarvestError):
        bring()
    assert papers_of(folder) == {*papers_of(folder)}
    assert recorded_source(folder) == ("harvest", DAY)


def test_a_preview_tells_what_an_update_does_and_does_not_ask_twice(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, clock: Clock
) -> None:
    before = contents(folder)
    found = preview_update(folder, client=Client(server.url, sleep=clock.sleep, clock=clock))
    assert contents(folder) == before
    assert sorted(found.new) == [one.id for one in NEW]
    assert sorted(found.changed) == [one.id for one in REVISED]
    assert sorted(found.metadata_only) == [one.id for one in AMENDED]
    assert (found.older, found.gone, found.n_unchanged) == ([], [], 0)
    n_asked = len(server.log)
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)
    assert len(server.log) == n_asked + 1  # what came since: nothing


def test_a_deleted_record_is_withdrawn_and_stays(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, embedder: FakeEmbedder
) -> None:
    bring()
    gone = [
        replace(OLD[15], is_deleted=True, datestamp="2026-11-27"),
        paper(99, is_deleted=True, datestamp="2026-11-27"),
    ]
    server.entries, server.day = gone, "2026-11-27"
    assert_counts(bring(embedder=embedder), read=1, updated=1, metadata_only=1)
    assert embedder.texts == []
    with lunacy.open_index(folder) as ix:
        assert ix.info().summary.n_withdrawn == 1
        assert ix.paper(OLD[15].id).title == "On the 16th thing & <other> things"
    assert verify(folder) == []
    assert_counts(bring(since="2026-11-27"), read=1, unchanged=1)


def test_a_later_version_that_withdraws_is_noticed(
    bring: Callable[..., UpdateReport], folder: Path, server: Server
) -> None:
    server.entries = [replace(OLD[4], source_type="I", versions=OLD[4].versions * 2, datestamp="2026-11-25")]
    assert_counts(bring(), read=1, updated=1, metadata_only=1)
    with lunacy.open_index(folder) as ix:
        assert ix.info().summary.n_withdrawn == 1


@pytest.mark.parametrize(
    ("day", "known"), [("2026-11-29", "2026-11-29"), ("2026-11-30", "2026-11-22"), ("2099-01-01", "2026-11-22")]
)
def test_a_server_whose_clock_is_ahead_skips_no_day(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, day: str, known: str
) -> None:
    server.day = day
    bring()
    assert recorded_source(folder) == ("harvest", known)


def test_a_preview_of_another_day_asks_again(folder: Path, server: Server, clock: Clock, now: list[datetime]) -> None:
    client = Client(server.url, sleep=clock.sleep, clock=clock, now=lambda: now[0])
    assert len(preview_update(folder, client=client).new) == 25
    n_asked = len(server.log)
    assert len(preview_update(folder, client=client).new) == 25
    assert len(server.log) == n_asked
    now[0] = datetime(2026, 11, 27, 12, tzinfo=UTC)
    server.entries = [*NOW, paper(90, datestamp="2026-11-27")]
    assert len(preview_update(folder, client=client).new) == 26


def test_the_index_keeps_to_its_scope_and_asks_for_its_set(tmp_path: Path, server: Server, clock: Clock) -> None:
    physics = [replace(one, categories=("hep-th",)) for one in NOW[::2]]
    server.entries = [*physics, *NOW[1::2]]
    (tmp_path / "old.jsonl").write_bytes(
        lines(map(kaggle, [*OLD, replace(OLD[0], id="2611.00099", categories=("hep-th",))]))
    )
    build_index(tmp_path / "old.jsonl", into=tmp_path / "index", category=["hep-th"], embedder=FakeEmbedder())
    for has_sets in (True, False):
        server.has_sets = has_sets
        client = Client(server.url, sleep=clock.sleep, clock=clock)
        report = update(tmp_path / "index", since="2026-10-01", client=client, embedder=FakeEmbedder())
        assert report.counts.added + report.counts.unchanged == len(physics)
        assert report.counts.filtered == (0 if has_sets else len(NOW[1::2]))
    assert server.log[0][1]["set"] == "physics:hep-th"


@pytest.mark.parametrize("form", ["arXiv", "oai_dc"])
@pytest.mark.parametrize("is_new", [True, False])
def test_other_formats_are_taken_in_where_a_server_has_no_better(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, form: str, is_new: bool
) -> None:
    server.forms, server.is_new = (form,), is_new
    report = bring()
    assert_counts(report, read=34, added=25, updated=9, metadata_only=6)
    with lunacy.open_index(folder) as ix:
        assert ix.paper(NEW[0].id).categories == ("cs.CL", "cs.LG")
        assert ix.paper(NEW[0].id).submitted == "2026-11-02"
        assert ix.paper(REVISED[0].id).title == "Revised 0"


def test_bad_records_go_to_quarantine(bring: Callable[..., UpdateReport], server: Server) -> None:
    server.entries = [*NOW, paper(77, title="", datestamp="2026-11-25")]
    report = bring()
    assert_counts(report, read=35, added=25, updated=9, metadata_only=6, quarantined=1)
    assert report.quarantine is not None
    assert b"2611.00077" in report.quarantine.read_bytes()


def test_a_harvest_of_bad_records_alone_is_told_and_given_up(
    bring: Callable[..., UpdateReport], server: Server
) -> None:
    server.entries = [paper(77, title="", datestamp="2026-11-25")]
    with pytest.raises(SnapshotError, match="not one line is a paper"):
        bring()
    server.entries = NOW
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)


def test_a_stale_snapshot_over_a_fresh_index_changes_no_paper(
    bring: Callable[..., UpdateReport], folder: Path, tmp_path: Path
) -> None:
    bring()
    before = contents(folder)
    report = build_index(tmp_path / "old.jsonl", into=folder, embedder=FakeEmbedder())
    assert_counts(report, read=20, older=9, unchanged=11)
    assert contents(folder) == before
    assert recorded_source(folder) == ("harvest", DAY)


def test_pruning_by_a_snapshot_leaves_what_was_harvested_since(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "fewer.jsonl").write_bytes(lines(map(kaggle, OLD[:-2])))
    server.entries = [*NOW, paper(80, datestamp="2026-11-01"), paper(81, datestamp="2026-10-31")]
    bring()
    gone = [OLD[-2].id, OLD[-1].id, "2611.00081"]
    assert sorted(lunacy.diff(folder, tmp_path / "fewer.jsonl").gone) == gone
    options: dict[str, Any] = {"into": folder, "embedder": FakeEmbedder(), "prune": True}
    with pytest.raises(PruneRefused, match=r"the snapshot lacks 3 of 47 papers"):
        build_index(tmp_path / "fewer.jsonl", **options)
    build_index(tmp_path / "fewer.jsonl", **options, prune_limit=0.1)
    left = {row[1] for row in contents(folder)}
    assert left == {one.id for one in [*NOW, paper(80)]} - set(gone)


def test_a_wider_scope_is_harvested_from_where_its_snapshot_ends(
    tmp_path: Path, bring: Callable[..., UpdateReport], folder: Path
) -> None:
    build_index(tmp_path / "old.jsonl", into=folder, category=["cs.CL"], embedder=FakeEmbedder())
    bring()
    assert recorded_source(folder) == ("harvest", DAY)
    build_index(tmp_path / "old.jsonl", into=folder, category=["*"], embedder=FakeEmbedder())
    assert recorded_source(folder) == ("snapshot", "2026-11-01")  # of the others nobody knows more


def test_changes_that_were_left_out_are_not_taken_for_known(bring: Callable[..., UpdateReport], folder: Path) -> None:
    notes: list[str] = []
    report = bring(since="2026-11-22", note=notes.append)
    assert notes == ["what changed from 2026-11-01 to 2026-11-22 was not asked for; the next update does"]
    assert_counts(report, read=6, updated=6, metadata_only=6)
    assert (report.up_to, recorded_source(folder)) == ("2026-11-01", ("snapshot", "2026-11-01"))
    assert_counts(bring(), read=34, added=25, updated=3, unchanged=6)


def test_an_index_that_does_not_know_its_day_asks_for_one(tmp_path: Path, server: Server, clock: Clock) -> None:
    (tmp_path / "old.jsonl").write_bytes(lines(map(kaggle, OLD)))
    build_index(tmp_path / "old.jsonl", into=tmp_path / "index", limit=5, embedder=FakeEmbedder())
    client = Client(server.url, sleep=clock.sleep, clock=clock)
    with pytest.raises(UsageError, match="does not know up to when") as told:
        update(tmp_path / "index", client=client)
    assert "--since 2026-11-01" in told.value.hint
    assert server.log == []
    update(tmp_path / "index", client=client, since="2026-11-20", embedder=FakeEmbedder())
    assert recorded_source(tmp_path / "index") == ("harvest", DAY)


@pytest.mark.parametrize("since", ["yesterday", "2026", "2026-13-01", "", "2999-01-01"])
def test_since_is_a_day_that_has_come(folder: Path, since: str) -> None:
    with pytest.raises(UsageError, match="since is"):
        update(folder, since=since)


def test_an_index_with_a_date_to_come_asks_for_another(bring: Callable[..., UpdateReport], tmp_path: Path) -> None:
    """One wrong date in a snapshot, and nothing would ever be new."""
    (tmp_path / "odd.jsonl").write_bytes(lines([kaggle(paper(60, datestamp="2999-01-01"))]))
    build_index(tmp_path / "odd.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    with pytest.raises(UsageError, match="it is complete up to 2999-01-01, which is to come") as told:
        bring()
    assert "--since 2026-11-01" in told.value.hint


@pytest.mark.parametrize("date", ["soon", "2026-11"])
def test_a_date_that_is_none_is_one_that_nobody_knows(
    bring: Callable[..., UpdateReport], folder: Path, date: str
) -> None:
    with database(folder) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'datestamp'", [date])
    with pytest.raises(UsageError, match="does not know up to when"):
        bring()


def test_no_index_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        update(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_two_updates_at_once_are_one(bring: Callable[..., UpdateReport], folder: Path) -> None:
    with Spool(folder), pytest.raises(IndexLocked, match="is being written by process"):
        bring()
    with Writer(folder), pytest.raises(IndexLocked):
        bring()
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)


def test_readers_do_not_block_an_update(bring: Callable[..., UpdateReport], folder: Path) -> None:
    with lunacy.open_index(folder) as ix:
        assert (len(ix), ix.info().source) == (20, ("snapshot", "2026-11-01"))
        bring()
        assert (len(ix), ix.info().source) == (45, ("harvest", DAY))
        assert ix.info().as_record()["complete_up_to"] == DAY


def test_the_harvest_is_a_snapshot_from_which_a_lost_index_is_built_again(
    bring: Callable[..., UpdateReport], folder: Path, tmp_path: Path
) -> None:
    bring()
    [kept] = (folder / "harvest").glob("*.gz")
    with gzip.open(kept) as file:
        found = [orjson.loads(line) for line in file]
    assert found[0].keys() == kaggle(NEW[0]).keys() - {"authors_parsed"}
    build_index([tmp_path / "old.jsonl", kept], into=tmp_path / "again", embedder=FakeEmbedder())
    assert papers_of(tmp_path / "again") == papers_of(folder)


def test_the_files_of_a_harvest_are_lunacys_and_others_are_not(
    bring: Callable[..., UpdateReport], folder: Path
) -> None:
    (folder / "harvest").mkdir()
    (folder / "harvest" / f"{DAY}.jsonl.gz").write_bytes(b"mine")
    (folder / "harvest" / "notes.txt").write_bytes(b"mine too")
    bring()
    assert (folder / "harvest" / f"{DAY}.jsonl.gz").read_bytes() == b"mine"
    assert (folder / "harvest" / f"{DAY}-2.jsonl.gz").exists()
    found = orjson.loads(run("info", "--index", folder, "--format", "json").stdout)
    assert found["foreign"] == [f"harvest/{DAY}.jsonl.gz", "harvest/notes.txt"]


@pytest.mark.parametrize("state", [b"", b"{}", b'{"lunacy":"harvest","version":1,"files":{"../x":0},"last":null}'])
def test_a_state_that_says_nothing_is_told(bring: Callable[..., UpdateReport], folder: Path, state: bytes) -> None:
    (folder / "harvest").mkdir()
    (folder / "harvest" / "state.json").write_bytes(state)
    with pytest.raises(StoreError, match=r"state.json does not say what was harvested .*; move it away"):
        bring()


def test_a_harvest_through_a_link_is_refused(bring: Callable[..., UpdateReport], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / "harvest").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is no folder"):
        bring()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_harvest_that_was_taken_away_is_asked_for_again(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, clock: Clock
) -> None:
    preview_update(folder, client=Client(server.url, sleep=clock.sleep, clock=clock))
    (folder / "harvest" / f"{DAY}.jsonl.gz").unlink()
    assert_counts(bring(), read=34, added=25, updated=9, metadata_only=6)


@pytest.mark.parametrize("seed", few_quick(range(20), 3))
def test_after_days_of_changes_the_index_is_that_of_a_whole_snapshot(
    bring: Callable[..., UpdateReport], folder: Path, server: Server, tmp_path: Path, seed: int
) -> None:
    """Each day brings new papers, revisions, other metadata, withdrawals and dates that only moved."""
    choice = random.Random(seed)
    known, embedder = {one.id: one for one in OLD}, FakeEmbedder()
    texts = {(one.title, one.abstract) for one in OLD}
    for day in range(1, 9):
        today = f"2026-12-{day:02}"
        for n in range(choice.randrange(6)):
            one = known[choice.choice(list(known))]
            changed = choice.choice(
                [
                    paper(100 * day + n),
                    replace(one, title=f"{one.title} {day} {n}", versions=(*one.versions, one.versions[0])),
                    replace(one, doi=f"10.1/{day}.{n}"),
                    replace(one, source_type="I", versions=(*one.versions, one.versions[0])),
                    one,
                ]
            )
            known[changed.id] = replace(changed, datestamp=today)
        server.entries, server.day = list(known.values()), today
        bring(embedder=embedder)
        texts |= {(one.title, one.abstract) for one in known.values()}
    assert papers_of(folder) == papers_of(bring_whole(tmp_path, server.entries))
    assert len(embedder.texts) == len(texts) - len(OLD)  # each text once
    assert verify(folder) == []
