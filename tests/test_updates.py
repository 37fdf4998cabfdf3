"""Bringing an index up to date: what changed is replaced, what is gone goes when asked for, and nothing else moves."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from lunacy import build_index, open_index
from lunacy.errors import NoIndex, NotAnId, PruneRefused, SnapshotError, UnknownPaper, UsageError
from lunacy.pipeline import remove
from lunacy.store import repair, verify
from tests.conftest import FakeEmbedder, lines, record, vector_of
from tests.test_cli import run
from tests.test_pipeline import BAD, added, assert_counts, assert_holds, contents, text_of
from tests.test_store import database

Update = Callable[..., Any]
Records = Sequence[dict[str, Any]]


def papers(n: int, first: int = 1) -> list[dict[str, Any]]:
    return [record(f"1802.{number:05}") for number in range(first, first + n)]


def nearest(records: Records, query: np.ndarray, top: int = 10, without: Collection[str] = ()) -> list[str]:
    """The ids of the records whose texts' vectors are most like `query`, by brute force."""
    scored = [
        (float(vector_of(text_of(one)).astype(np.float64) @ query), str(one["id"]))
        for one in records
        if one["id"] not in without
    ]
    return [identifier for _score, identifier in sorted(scored, reverse=True)[:top]]


def assert_answers(folder: Path, records: Records, top: int = 10) -> None:
    """The index answers for each record, and for texts, what brute force over exactly these records gives."""
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        assert len(ix) == len(records)
        for one, hits in zip(records, ix.similar_many([str(one["id"]) for one in records], top=top), strict=True):
            assert [hit.id for hit in hits] == nearest(records, vector_of(text_of(one)), top, [one["id"]])
        for text in ("one text", "another text"):
            found = ix.similar_to_text(text, top=top)
            assert [hit.id for hit in found] == nearest(records, vector_of(text), top)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The index's own files; SQLite's helpers and the lock left out."""
    return {path.name: path.read_bytes() for path in folder.glob("*") if path.suffix in (".db", ".faiss")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def update(write_snapshot: Callable[..., Path], folder: Path) -> Update:
    """Bring the index in `folder` up to date with records, or bytes."""

    def run(snapshot: Any, **options: Any) -> Any:
        return build_index(write_snapshot(snapshot), **{"into": folder, "embedder": FakeEmbedder(), **options})

    return run


def test_a_changed_abstract_is_found_by_its_new_text_and_never_by_its_old(update: Update, folder: Path) -> None:
    before = papers(30)
    after = [*before[:7], record("1802.00008", abstract="All is new."), *before[8:]]
    update(before)
    update(after)
    assert_answers(folder, after)
    with open_index(folder, embedder=FakeEmbedder()) as ix:
        [old] = ix.similar_to_text(text_of(before[7]), top=1)
        [new] = ix.similar_to_text(text_of(after[7]), top=1)
    assert old.score < 0.99
    assert (new.id, round(new.score, 5)) == ("1802.00008", 1.0)


def test_a_title_and_an_abstract_changed_at_once_and_back_again(update: Update, folder: Path) -> None:
    before = papers(12)
    for title in ("Second", "Third", "On paper 1802.00003"):
        now = [*before[:2], record("1802.00003", title=title), *before[3:]]
        update(now)
        assert_answers(folder, now)
    assert_holds(folder, before)


def test_every_paper_changed_leaves_only_the_new_ones(update: Update, folder: Path) -> None:
    update(papers(20))
    after = [record(str(one["id"]), abstract=f"New {one['id']}") for one in papers(20)]
    assert_counts(update(after), read=20, updated=20)
    assert_holds(folder, after)
    assert_answers(folder, after)


def test_new_metadata_is_shown_and_no_segment_is_written(update: Update, folder: Path, embedder: FakeEmbedder) -> None:
    update(papers(5))
    segments = {name: data for name, data in bytes_of(folder).items() if name.endswith(".faiss")}
    after = [*papers(4), record("1802.00005", categories="math.AG", update_date="2024-05-06", authors="É. Galois")]
    assert_counts(update(after, embedder=embedder), read=5, updated=1, metadata_only=1, unchanged=4)
    assert embedder.texts == []
    assert {name: data for name, data in bytes_of(folder).items() if name.endswith(".faiss")} == segments
    with open_index(folder) as ix:
        [hit] = [hit for hit in ix.similar("1802.00001") if hit.id == "1802.00005"]
        summary = ix.info().summary
    assert (hit.categories, hit.updated, hit.authors) == (("math.AG",), "2024-05-06", "É. Galois")
    assert summary.by_category == {"cs.CL": 4, "cs.LG": 4, "math.AG": 1}
    assert summary.last_updated == "2024-05-06"


@pytest.mark.parametrize(
    ("field", "value", "column", "stored"),
    [
        ("journal-ref", "Phys.\n  Rev. 1", "journal_ref", "Phys. Rev. 1"),
        ("doi", "10.1/x", "doi", "10.1/x"),
        ("comments", "5 pages", "comments", "5 pages"),
        ("versions", [{"created": "Mon, 2 Apr 2007 19:18:42 GMT"}] * 3, "n_versions", 3),
        ("versions", [{"created": "Tue, 3 Apr 2007 19:18:42 GMT"}], "submitted", "2007-04-03"),
    ],
)
def test_any_other_metadata_is_brought_up_to_date_without_embedding(
    update: Update, folder: Path, embedder: FakeEmbedder, field: str, value: object, column: str, stored: object
) -> None:
    update(papers(3))
    after = [*papers(2), {**papers(3)[2], field: value}]
    assert_counts(update(after, embedder=embedder), read=3, updated=1, metadata_only=1, unchanged=2)
    assert embedder.texts == []
    with database(folder) as connection:
        found = connection.execute(f"SELECT id FROM papers WHERE {column} = ?", [stored]).fetchall()
    assert found == [("1802.00003",)]
    assert verify(folder) == []


def test_each_paper_keeps_the_generation_in_which_it_first_came(update: Update, folder: Path) -> None:
    update(papers(20))
    update(papers(30))  # ten are new
    first, second = dict.fromkeys([one["id"] for one in papers(20)], 1), {one["id"]: 2 for one in papers(10, first=21)}
    assert added(folder) == first | second
    changed = [record("1802.00002", abstract="Another."), record("1802.00003", doi="10.1/x"), *papers(27, first=4)]
    update(changed, prune=True)  # one is gone, one is embedded again, one has other metadata
    del first["1802.00001"]
    assert added(folder) == first | second
    run("compact", "--index", folder)
    repair(folder)
    update(papers(30))  # one is back
    last = added(folder).pop("1802.00001")
    assert last > 3
    assert added(folder) == first | second | {"1802.00001": last}
    assert verify(folder) == []


def test_a_paper_that_is_embedded_again_in_the_run_that_brought_it_came_in_that_run(
    update: Update, folder: Path
) -> None:
    update([record("1802.00001"), *papers(600, first=2), record("1802.00001", abstract="Another.")])
    assert set(added(folder).values()) == {1}


def test_with_abstracts_embedded_a_new_title_is_metadata(update: Update, folder: Path, embedder: FakeEmbedder) -> None:
    update(papers(3), text="abstract")
    after = [*papers(2), record("1802.00003", title="Another title")]
    assert_counts(update(after, text="abstract", embedder=embedder), read=3, updated=1, metadata_only=1, unchanged=2)
    assert embedder.texts == []
    assert [row[4] for row in contents(folder)][2] == "Another title"


def test_an_update_in_which_nothing_changed_leaves_every_byte(update: Update, folder: Path) -> None:
    update(papers(9))
    before = bytes_of(folder)
    assert_counts(update(papers(9), prune=True), read=9, unchanged=9)
    assert bytes_of(folder) == before


def test_without_prune_papers_that_are_gone_stay(update: Update, folder: Path) -> None:
    update(papers(5))
    assert_counts(update(papers(2)), read=2, unchanged=2)
    assert_holds(folder, papers(5))


def test_prune_removes_what_the_snapshot_no_longer_holds(update: Update, folder: Path) -> None:
    update(papers(40))
    after = [*papers(40)[:9], *papers(40)[10:], *papers(2, first=50)]
    assert_counts(update(after, prune=True), read=41, unchanged=39, added=2, pruned=1)
    assert_holds(folder, after)
    assert_answers(folder, after)
    with open_index(folder) as ix, pytest.raises(UnknownPaper):
        ix.similar("1802.00010")


@pytest.mark.parametrize(("n_papers", "n_gone", "options"), [
    (100, 5, {}), (20, 1, {}), (10, 1, {"prune_limit": 0.1}), (10, 10, {"prune_limit": 1.0}),
    (100, 7, {"prune_limit": 0.07}), (100, 29, {"prune_limit": 0.29}),
])  # fmt: skip
def test_prune_removes_up_to_the_limit(
    update: Update, folder: Path, n_papers: int, n_gone: int, options: dict[str, float]
) -> None:
    update(papers(n_papers))
    fresh = papers(n_gone, first=500) if n_gone == n_papers else []  # a snapshot must hold something
    left = papers(n_papers)[n_gone:] + fresh
    report = update(left, prune=True, **options)
    assert report.counts.pruned == n_gone
    assert_holds(folder, left)


@pytest.mark.parametrize(("n_papers", "n_gone", "options", "said"), [
    (100, 6, {}, r"lacks 6 of 100 papers, more than 5%"), (19, 1, {}, r"lacks 1 of 19 papers, more than 5%"),
    (10, 1, {"prune_limit": 0.0}, r"lacks 1 of 10 papers, more than 0%"),
    (1000, 6, {"prune_limit": 0.005}, r"lacks 6 of 1,000 papers, more than 0\.5%"),
])  # fmt: skip
def test_prune_beyond_the_limit_is_refused_and_removes_none(
    update: Update, folder: Path, n_papers: int, n_gone: int, options: dict[str, float], said: str
) -> None:
    update(papers(n_papers))
    with pytest.raises(PruneRefused, match=rf"{said}; nothing was pruned(?s:.*)--prune-limit"):
        update(papers(n_papers)[n_gone:], prune=True, **options)
    assert_holds(folder, papers(n_papers))


def test_a_prune_is_refused_before_anything_is_embedded(update: Update, folder: Path, embedder: FakeEmbedder) -> None:
    update(papers(20))
    with pytest.raises(PruneRefused, match=r"lacks 10 of 20 papers, more than 5%"):
        update([*papers(10), *papers(30, first=90)], embedder=embedder, prune=True)
    assert embedder.texts == []
    assert_holds(folder, papers(20))


def test_a_pipe_is_read_once_so_that_a_refused_prune_keeps_what_the_update_added(
    update: Update, folder: Path, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(papers(20))
    given = io.BytesIO(lines([*papers(10), *papers(1, first=90)]))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(given))
    with pytest.raises(PruneRefused, match=r"lacks 10 of 20 papers, more than 5%"):
        build_index("-", into=folder, embedder=embedder, prune=True)
    assert_holds(folder, [*papers(20), *papers(1, first=90)])


def test_prune_is_refused_when_bad_lines_may_hold_the_papers(update: Update, folder: Path) -> None:
    update(papers(40))
    with pytest.raises(PruneRefused, match=r"1 papers seem gone, but 1 lines could not be read.*nothing was pruned"):
        update(lines(papers(39)) + BAD, prune=True)
    assert_holds(folder, papers(40))


def test_bad_lines_do_not_matter_to_a_prune_with_nothing_gone(update: Update, folder: Path) -> None:
    update(papers(40))
    assert update(lines(papers(40)) + BAD, prune=True).counts.pruned == 0
    assert_holds(folder, papers(40))


def test_papers_that_the_filter_leaves_out_are_not_gone(update: Update, folder: Path) -> None:
    mixed = [record(f"1802.{n:05}", categories="hep-th" if n % 2 else "cs.CL") for n in range(1, 41)]
    update(mixed)
    report = update(mixed[:39], prune=True, category=["hep-th"])
    assert_counts(report, read=39, unchanged=20, filtered=19, pruned=1)
    assert_holds(folder, mixed[:39])


def test_an_old_id_in_another_form_is_not_gone(update: Update, folder: Path) -> None:
    old = record("math/0601001")
    update([*papers(30), old])
    assert_counts(update([*papers(30), {**old, "id": "math.AG/0601001"}], prune=True), read=31, unchanged=31)
    assert_holds(folder, [*papers(30), old])


@pytest.mark.parametrize("cut", [lambda data: data[: len(data) * 9 // 10], lambda data: data[:-20]])
def test_a_cut_off_snapshot_prunes_nothing(
    update: Update, folder: Path, write_snapshot: Callable[..., Path], cut: Callable[[bytes], bytes]
) -> None:
    import gzip

    update(papers(400))
    path = write_snapshot(cut(gzip.compress(lines(papers(400)), mtime=0)), "cut.gz")
    with pytest.raises(SnapshotError, match="cut off"):
        build_index(path, into=folder, embedder=FakeEmbedder(), prune=True, prune_limit=1.0)
    assert_holds(folder, papers(400))


def test_a_plain_snapshot_cut_in_a_line_prunes_nothing(update: Update, folder: Path) -> None:
    update(papers(40))
    with pytest.raises(PruneRefused, match="lines could not be read"):
        update(lines(papers(40))[:-20], prune=True, prune_limit=1.0)
    assert_holds(folder, papers(40))


def test_strict_at_a_bad_line_prunes_nothing(update: Update, folder: Path) -> None:
    update(papers(40))
    with pytest.raises(SnapshotError, match="line 3"):
        update(lines(papers(2)) + BAD, prune=True, prune_limit=1.0, strict=True)
    assert_holds(folder, papers(40))


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_snapshot_prunes_nothing_whatever_the_limit(update: Update, folder: Path, content: bytes) -> None:
    update(papers(10))
    with pytest.raises((SnapshotError, PruneRefused)):
        update(content, prune=True, prune_limit=1.0)
    assert_holds(folder, papers(10))


def test_prune_with_a_limit_of_papers_is_refused_and_writes_nothing(update: Update, folder: Path) -> None:
    update(papers(10))
    before = bytes_of(folder)
    with pytest.raises(UsageError, match="limit and prune contradict each other"):
        update(papers(10), prune=True, limit=10)
    assert bytes_of(folder) == before


def test_remove_takes_out_the_papers_it_names_in_any_form(update: Update, folder: Path) -> None:
    update([*papers(20), record("math/0601001"), record("local:7")])
    asked = ["arXiv:1802.00003v2", "https://arxiv.org/abs/math.AG/0601001", "local:7", "1802.00003"]
    assert remove(folder, asked).ids == ["1802.00003", "math/0601001", "local:7"]
    left = [one for one in papers(20) if one["id"] != "1802.00003"]
    assert_holds(folder, left)
    assert_answers(folder, left)


@pytest.mark.parametrize(("asked", "error"), [("1802.99999", UnknownPaper), ("no id", NotAnId)])
def test_remove_of_what_is_not_there_removes_none(
    update: Update, folder: Path, asked: str, error: type[Exception]
) -> None:
    update(papers(5))
    with pytest.raises(error):
        remove(folder, ["1802.00001", asked])
    assert_holds(folder, papers(5))


def test_remove_where_no_index_is_makes_none(folder: Path) -> None:
    with pytest.raises(NoIndex):
        remove(folder, ["1802.00001"])
    assert not folder.exists()


def test_a_removed_paper_comes_back_with_the_next_update(update: Update, folder: Path) -> None:
    update(papers(20))
    result = run("remove", "1802.00007", "--index", folder)
    assert (result.exit_code, result.stdout) == (0, f"{folder}: 1 removed: 1802.00007\n")
    assert orjson.loads(run("info", "--index", folder, "--format", "json").stdout)["papers"] == 19
    assert_counts(update(papers(20)), read=20, added=1, unchanged=19)
    assert_holds(folder, papers(20))
    assert verify(folder) == []


def versions(n: int) -> list[dict[str, str]]:
    return [{"version": f"v{one}", "created": "Mon, 2 Apr 2007 19:18:42 GMT"} for one in range(1, n + 1)]


def at(n_versions: int, updated: str) -> dict[str, Any]:
    """What a record says of when it is from; 0 versions: nothing."""
    return {"versions": versions(n_versions) or None, "update_date": updated}


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (
            at(3, "2024-02-01"),
            at(2, "2024-01-01"),
        ),
        (
            at(3, "2024-01-01"),
            at(2, "2024-02-01"),
        ),
        (
            at(2, "2024-02-01"),
            at(2, "2024-01-01"),
        ),
        (at(0, "2024-02-01"), at(2, "2024-01-01")),
        (at(2, "2024-02-01"), at(0, "2024-01-01")),
    ],
)
@pytest.mark.parametrize("text", ["the same", "another"])
def test_an_older_record_never_overwrites_a_newer_one(
    update: Update, folder: Path, embedder: FakeEmbedder, newer: dict[str, Any], older: dict[str, Any], text: str
) -> None:
    now = [*papers(2), record("1802.00009", title="New", **newer)]
    update(now)
    stale = [*papers(2), record("1802.00009", title="New" if text == "the same" else "Old", **older)]
    before = contents(folder)
    assert_counts(update(stale, embedder=embedder), read=3, unchanged=2, older=1)
    assert contents(folder) == before
    assert embedder.texts == []
    assert run("diff", folder.parent / "snapshot.jsonl", "--index", folder, "--ids").output == "older\t1802.00009\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            at(2, "2024-02-01"),
            at(3, "2024-01-01"),
        ),
        (
            at(2, "2024-02-01"),
            at(2, "2024-02-01"),
        ),
        (at(2, "2024-02-01"), at(0, "2024-02-01")),
        (at(2, "2024-02-01"), at(2, "")),
        (at(0, ""), at(1, "1999-01-01")),
    ],
)
def test_a_record_that_is_not_known_to_be_older_overwrites(
    update: Update, before: dict[str, Any], after: dict[str, Any]
) -> None:
    update([record("1802.00001", title="Before", **before)])
    assert_counts(update([record("1802.00001", title="After", **after)]), read=1, updated=1)


def test_the_newest_of_several_lines_with_one_id_wins_wherever_it_stands(update: Update, folder: Path) -> None:
    several = [record("1802.00001", title=f"Version {n}", versions=versions(n)) for n in (2, 3, 1)]
    assert_counts(update(several), read=3, added=1, updated=1, older=1, repeated=2)
    assert_holds(folder, several[1:2])


def test_a_withdrawal_by_a_later_version_is_noticed(update: Update, folder: Path, embedder: FakeEmbedder) -> None:
    update(papers(3))
    gone = record("1802.00003", versions=versions(2), comments="This paper has been withdrawn by the author")
    assert_counts(update([gone], embedder=embedder), read=1, updated=1, metadata_only=1)
    assert embedder.texts == []
    with open_index(folder) as ix:
        assert [hit.id for hit in ix.similar("1802.00001")] == ["1802.00002"]
        assert ix.info().summary.n_withdrawn == 1
    assert_counts(update(papers(3)), read=3, unchanged=2, older=1)  # a snapshot from before
