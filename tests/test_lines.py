"""Lines that an index knows are not parsed again, and every run ends as if they were."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lunacy import build_index
from lunacy.derived.lines import open_lines
from lunacy.entry import Entry
from lunacy.errors import LunacyError, SnapshotError
from lunacy.pipeline import compact, remove, stages
from lunacy.scope import Scope
from lunacy.snapshot import PARSER_VERSION, BadLine, Line, Snapshot, batches, parse
from lunacy.store import Store, Writer, caches, verify
from tests.conftest import FakeEmbedder, lines, record
from tests.test_pipeline import BAD, contents
from tests.test_store import database

PAPERS = [record(f"1802.{n:05}") for n in range(1, 41)]


@pytest.fixture(autouse=True, scope="module")
def of_any_size() -> Iterator[None]:
    """Known lines are noted and looked up, however few they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lunacy.derived.lines.LEAST_ROWS", 1)
        patch.setattr("lunacy.pipeline.build_inputs.PROCESS_FROM_BYTES", 0)
        yield


class Small(FakeEmbedder):
    """Its batches are small."""

    window = 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def n_parsed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many lines were parsed since it was called last."""
    n = 0

    def counting(line: Line) -> Any:
        nonlocal n
        n += 1
        return parse(line)

    def since() -> int:
        nonlocal n
        found, n = n, 0
        return found

    monkeypatch.setattr(batches, "parse", counting)
    return since


def cache_of(folder: Path) -> list[Path]:
    return [folder / "cache" / one.name for one in caches.read(folder) if one.kind == "lines"]


def hashes_of(folder: Path) -> list[bytes]:
    """What is known of each row: read without lunacy's reader."""
    [path] = cache_of(folder)
    content = path.read_bytes()
    return [content[16 * row : 16 * row + 16] for row in range(len(content) // 20)]


def known_rows(folder: Path, content: bytes) -> list[int]:
    """The row that each line is known to say; -1: none."""
    by_hash = {line_hash: row for row, line_hash in enumerate(hashes_of(folder))}
    return [by_hash.get(blake2b(one, digest_size=16).digest(), -1) for one in content.splitlines()]


def test_the_same_snapshot_again_is_not_parsed_again(folder: Path, tmp_path: Path, n_parsed: Callable[[], int]) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(lines(PAPERS) + BAD)
    build_index(path, into=folder, embedder=Small())
    before = contents(folder)
    assert n_parsed() == 41
    for _ in range(2):
        counts = build_index(path, into=folder, embedder=Small()).counts
        assert (counts.read, counts.unchanged, counts.quarantined, counts.repeated) == (41, 40, 1, 0)
        assert n_parsed() == 1  # the bad one
    path.write_bytes(gzip.compress(lines([PAPERS[1], {**PAPERS[2], "doi": "10.1/x"}, PAPERS[1], *PAPERS[3:]])))
    counts = build_index(path, into=folder, embedder=Small()).counts
    assert (counts.read, counts.unchanged, counts.metadata_only, counts.repeated) == (40, 39, 1, 1)
    assert n_parsed() == 1
    assert [row for row in contents(folder) if row[1] != PAPERS[2]["id"]] == [before[0], before[1], *before[3:]]
    assert verify(folder) == []


def test_each_row_is_known_by_the_last_line_that_says_it(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    first = lines([*PAPERS, record("math/0601001", categories="math.AG")])
    path.write_bytes(first)
    build_index(path, into=folder, embedder=Small(), category=["cs.*"])
    assert known_rows(folder, first) == [*range(40), -1]
    other = lines([{**PAPERS[0], "license": "none"}, {**PAPERS[1], "doi": "10.1/x"}, {**PAPERS[2], "abstract": "New."}])
    path.write_bytes(other)
    build_index(path, into=folder, embedder=Small())
    assert known_rows(folder, other) == [0, 1, 40]
    assert known_rows(folder, first) == [-1, -1, -1, *range(3, 40), -1]
    remove(folder, ["1802.00004"])
    assert known_rows(folder, first) == [-1, -1, -1, -1, *range(4, 40), -1]
    compact(folder)
    with database(folder) as connection:
        rows = dict(connection.execute("SELECT id, row FROM papers"))
    for one, row in zip([*PAPERS, None], known_rows(folder, first), strict=True):
        assert row in (-1, rows.get(one["id"]) if one else None)
    with Store(folder) as store, store.view() as view:
        found = open_lines(view, Scope(("cs.*",)))
        assert found is not None
        hashes = [blake2b(one, digest_size=16).digest() for one in [*first.splitlines(), b"another"]]
        assert found.rows(hashes) == [*known_rows(folder, first), -1]
        assert found.last_date(list(rows.values())) == "2018-02-14"
        assert found.last_date([]) == ""
        assert open_lines(view, Scope(("cs.CL",))) is None


def test_lines_stay_with_papers_that_move(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    for n in (36, 40):  # two segments
        path.write_bytes(lines(PAPERS[:n]))
        build_index(path, into=folder, embedder=Small())
    [cache] = cache_of(folder)
    cache.unlink()
    path.write_bytes(lines([*({**one, "abstract": "New."} for one in PAPERS[:9]), *PAPERS[9:]]))
    build_index(path, into=folder, embedder=Small())  # a quarter of the first segment is dead: it is rewritten
    assert [row[0] for row in contents(folder)] == [*range(27), *range(36, 49)]
    assert known_rows(folder, path.read_bytes()) == [*range(40, 49), *range(27), *range(36, 40)]
    assert sum(map(any, hashes_of(folder))) == 40


def test_papers_of_known_lines_are_kept_and_their_dates_count(
    folder: Path, tmp_path: Path, n_parsed: Callable[[], int]
) -> None:
    path = tmp_path / "snapshot"
    late = [{**one, "update_date": "2019-01-01"} for one in PAPERS[:2]]
    path.write_bytes(lines([*late, *PAPERS[2:]]))
    build_index(path, into=folder, embedder=Small(), up_to="2020-01-01")  # as after a harvest
    n_parsed()
    for gone, n_pruned in ((0, 1), (1, 0)):  # what changed as late as all the rest, or later, may be too new
        path.write_bytes(lines([*late[gone + 1 :], *PAPERS[3:]]))
        report = build_index(path, into=folder, embedder=Small(), prune=True, up_to="")
        assert report.counts.pruned == n_pruned
        assert n_parsed() == 0
    assert [row[1] for row in contents(folder)][:2] == ["1802.00001", "1802.00002"]


def test_lines_are_not_known_for_another_scope(folder: Path, tmp_path: Path, n_parsed: Callable[[], int]) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(lines([*PAPERS[:5], record("math/0601001", categories="math.AG")]))
    build_index(path, into=folder, embedder=Small())
    n_parsed()
    for category, n_filtered, n in ((["cs.*"], 1, 6), (None, 1, 1), (["cs.*"], 1, 1), (["*"], 0, 6), (["*"], 0, 0)):
        counts = build_index(path, into=folder, embedder=Small(), category=category).counts
        assert (counts.filtered, counts.unchanged) == (n_filtered, 6 - n_filtered)
        assert n_parsed() == n


def test_a_reader_of_another_version_knows_none(
    folder: Path, tmp_path: Path, n_parsed: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(lines(PAPERS))
    build_index(path, into=folder, embedder=Small())
    monkeypatch.setattr("lunacy.derived.lines.PARSER_VERSION", PARSER_VERSION + 1)
    n_parsed()
    for n in (40, 0):
        assert build_index(path, into=folder, embedder=Small()).counts.unchanged == 40
        assert n_parsed() == n


def test_a_changed_byte_or_an_older_cache_makes_no_line_known(
    folder: Path, tmp_path: Path, n_parsed: Callable[[], int]
) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(lines(PAPERS))
    build_index(path, into=folder, embedder=Small())
    [cache] = cache_of(folder)
    whole = cache.read_bytes()
    assert len(whole) == 40 * 20
    swapped = whole[16:32] + whole[:16] + whole[32:]  # each hash is one, of another row
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    n_parsed()
    for harmed in (swapped, flipped, whole[:-1], b""):
        [cache] = cache_of(folder)
        cache.write_bytes(harmed)
        assert verify(folder) == [f"cache/{cache.name}: its content has changed since it was written (sha256 differs)"]
        path.write_bytes(lines(PAPERS[1:]))
        counts = build_index(path, into=folder, embedder=Small(), prune=True).counts
        assert (counts.unchanged, counts.pruned) == (39, 1)
        assert n_parsed() == 2 * 39  # before and when it is stored
        path.write_bytes(lines(PAPERS))
        build_index(path, into=folder, embedder=Small())
        n_parsed()
    with Writer(folder) as writer:  # as if killed before it came to the caches
        writer.remove(["1802.00007"])
        writer.commit()
    assert build_index(path, into=folder, embedder=Small()).counts.added == 1
    assert n_parsed() == 40


def test_what_breaks_off_is_told_after_the_lines_before_it(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    path.write_bytes(lines(PAPERS))
    build_index(path, into=folder, embedder=Small())
    path.write_bytes(gzip.compress(lines(PAPERS[:20])) + gzip.compress(lines(PAPERS[20:]))[:-9])
    seen = []
    with pytest.raises(SnapshotError, match="damaged or cut off"):
        build_index(path, into=folder, embedder=Small(), progress=seen.append)
    assert max(one.done for one in seen if one.doing == "reading the snapshot") == 40


def test_lines_are_read_as_the_version_of_the_reader_says() -> None:
    """Where it fails, some line becomes another entry than before: raise `VERSION` in snapshot/parse.py.

    Only then change the hash here: an index must not take its lines for known that would be read otherwise now.
    """
    hard = Path(__file__).with_name("hard_papers.jsonl")
    odd: list[Any] = [
        {"id": " arXiv:math.AG/0601001v2", "title": "a\n b", "abstract": "c", "categories": ["math.AG", "math-ph"]},
        {"id": "x1", "title": "This is", "abstract": "This paper has been withdrawn.", "versions": [{}, {}]},
        {"id": "1802.05130", "title": "a", "abstract": "b", "authors": "Ö. Ä", "authors_parsed": [["Ä", "Ö", "Jr."]]},
        {"id": "1802.05130", "title": "a", "abstract": "b", "comments": "withdrawn", "update_date": "2018-13-01"},
        {"id": "1802.05130", "title": "a", "abstract": "b", "created": "2018-02-14", "journal-ref": "J.  5"},
        {"id": "1802.05130", "title": "", "abstract": "b"},
        {"id": "1802.05130", "title": "a", "abstract": "b", "doi": 5},
        [],
    ]
    digest = blake2b(digest_size=8)
    for source in (None, hard):
        with Snapshot(source) as snapshot:
            for line in snapshot.lines():
                digest.update(Entry.of(parse(line), "title+abstract").content_hash)
    for one in odd:
        try:
            digest.update(Entry.of(parse(Line(1, 0, orjson.dumps(one))), "title+abstract").content_hash)
        except BadLine:
            digest.update(b"none")
    assert (PARSER_VERSION, digest.hexdigest()) == (1, "aa860fab24a4dbee")


VERSIONS: list[dict[str, Any]] = [
    {},
    {"doi": "10.1/x"},
    {"abstract": "Better.", "update_date": "2019-01-01", "versions": [{"created": ""}] * 2},
    {"comments": "This paper has been withdrawn.", "versions": [{"created": ""}] * 3, "update_date": "2017-01-01"},
    {"abstract": "Otherwise.", "update_date": None, "versions": None},
    {"categories": "math.AG", "update_date": "2020-01-01"},
]
LINES = st.tuples(st.integers(0, 7), st.integers(0, len(VERSIONS) - 1), st.booleans()).map(
    lambda one: lines([{**PAPERS[one[0]], **VERSIONS[one[1]], **({"license": "x"} if one[2] else {})}])
)
WHOLE = lines(PAPERS[:8])
SNAPSHOTS = st.lists(LINES | st.sampled_from([BAD, WHOLE, WHOLE]), min_size=1, max_size=8).map(b"".join)
BUILDS = st.fixed_dictionaries(
    {"snapshot": SNAPSHOTS},
    optional={
        "category": st.sampled_from([["cs.*"], ["*"]]),
        "prune": st.just(True),
        "strict": st.just(True),
        "up_to": st.sampled_from(["2019-06-01", ""]),
    },
)
LIMITED = st.fixed_dictionaries({"snapshot": SNAPSHOTS, "limit": st.integers(1, 12)})
OTHERS = st.tuples(st.just(remove), st.integers(0, 7)) | st.tuples(st.just(compact))
STEPS = st.lists(BUILDS | BUILDS | LIMITED | OTHERS, min_size=1, max_size=5)


def told(step: Any, folder: Path, snapshot: Path) -> Any:
    """What a step says."""
    try:
        if isinstance(step, tuple):
            return [step[0](folder, *(str(PAPERS[n]["id"]) for n in step[1:])).__class__]
        given = {name: value for name, value in step.items() if name != "snapshot"}
        snapshot.write_bytes(step["snapshot"])
        report = build_index(snapshot, into=folder, embedder=Small(), prune_limit=1.0, **given)
        return [report.counts, report.quarantine and report.quarantine.read_bytes()]
    except LunacyError as error:
        return [type(error), str(error)]


def held(folder: Path) -> Any:
    """All that an index holds; None where there is none."""
    if not (folder / "papers.db").exists():
        return None
    with Store(folder) as store, store.view() as view:
        return view.generation, view.scope, view.source, list(view.stream("added")), contents(folder), view.summary()


@given(STEPS, st.integers(0, 2), st.booleans())
def test_a_run_that_knows_lines_does_what_one_does_that_parses_them_all(steps: Any, depth: int, often: bool) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "_DEPTH", depth)
        patch.setattr(stages, "_FIRST_TEXTS", 1)
        patch.setattr(stages, "_GROWTH", 1)
        patch.setattr(stages, "COMMIT_S", 0.0 if often else 30.0)
        one, other, snapshot = Path(name) / "one", Path(name) / "other", Path(name) / "snapshot"
        for step in [{"snapshot": WHOLE}, *steps]:
            for path in cache_of(other):
                path.unlink(missing_ok=True)
            assert told(step, one, snapshot) == told(step, other, snapshot)
            assert held(one) == held(other)
            assert all(row in (-1, *by_content(one, line)) for line, row in known(one, step))


def known(folder: Path, step: Any) -> list[tuple[bytes, int]]:
    """The lines of a step, and which row each is known to say."""
    content = step["snapshot"] if isinstance(step, dict) and cache_of(folder) else b""
    return list(zip(content.splitlines(), known_rows(folder, content) if content else [], strict=True))


def by_content(folder: Path, line: bytes) -> list[int]:
    """The rows that hold just what the line says."""
    try:
        wanted = Entry.of(parse(Line(1, 0, line)), "title+abstract").content_hash
    except BadLine:
        return []
    with database(folder) as connection:
        return [row for [row] in connection.execute("SELECT row FROM papers WHERE content_hash = ?", [wanted])]
