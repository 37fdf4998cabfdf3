"""Exported files, read by other programs: they hold what the index holds, bit by bit; and the index made from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lunacy
from lunacy.derived.map import open_map
from lunacy.errors import FingerprintMismatch, MissingExtra, SnapshotError, UsageError
from lunacy.paper import Paper
from lunacy.store import verify
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run
from tests.test_modes import viewed

RECORDS = [
    record(
        f"1802.{n:05}",
        title=f"Über {n} & <graphs> 東京" if n % 3 else f"On $x_{n}$",
        authors="Kurt Gödel, Ada Lovelace" if n % 4 else "",
        categories="cs.CL hep-th" if n % 2 else "math.AG",
        comments="Withdrawn by the author." if n % 10 == 9 else "",
        doi=f"10.1000/{n}" if n % 5 == 0 else None,
    )
    for n in range(1, 41)
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 papers of cs and math, one removed, in two segments, with a graph."""
    folder = tmp_path_factory.mktemp("export") / "index"
    snapshot = folder.parent / "snapshot.jsonl"
    for n in (30, 40):
        snapshot.write_bytes(lines(RECORDS[:n]))
        lunacy.build_index(snapshot, into=folder, category=["cs.*", "math.*"], embedder=FakeEmbedder())
    lunacy.remove(folder, "1802.00003")
    lunacy.build_graph(folder, k=4)
    return folder


def held(folder: Path) -> tuple[list[Paper], np.ndarray]:
    with viewed(folder) as view:
        rows = view.live_rows()
        return view.papers(rows), view.vectors(rows)


def edges(folder: Path) -> list[tuple[str, str, int, float]]:
    """(id, id of the neighbour, rank, cosine): by asking for each paper."""
    found = []
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as ix:
        for paper in held(folder)[0]:
            found += [(paper.id, hit.id, hit.rank, hit.score) for hit in ix.similar(paper.id, top=4)]
    return found


@pytest.fixture(scope="module")
def parquet(index: Path) -> Path:
    pytest.importorskip("pyarrow")
    path = index.parent / "papers.parquet"
    report = lunacy.export(index, path)
    assert (report.files, report.n_papers, report.n_edges) == ((path,), 39, None)
    return path


def test_pandas_reads_all_of_a_paper_and_its_vector(index: Path, parquet: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.read_parquet(parquet)
    papers, vectors = held(index)
    assert np.stack(table["vector"].to_numpy()).tobytes() == vectors.tobytes()
    for paper, row in zip(papers, table.to_dict("records"), strict=True):
        known = {name: row[name] for name in ("id", "title", "abstract", "authors", "doi", "comments", "submitted")}
        assert {name: "" if pandas.isna(one) else one for name, one in known.items()} == {
            name: getattr(paper, name) for name in known
        }
        assert tuple(row["categories"]) == paper.categories
        assert row["withdrawn"] == paper.comments.startswith("Withdrawn")
    assert table["withdrawn"].sum() == 4


def test_polars_reads_the_same(index: Path, parquet: Path) -> None:
    polars = pytest.importorskip("polars")
    table = polars.read_parquet(parquet)
    papers, vectors = held(index)
    assert table["vector"].dtype == polars.Array(polars.Float32, FakeEmbedder().fingerprint.dim)
    assert table["vector"].to_numpy().tobytes() == vectors.tobytes()
    assert table["id"].to_list() == [paper.id for paper in papers]
    assert table["categories"].to_list() == [list(paper.categories) for paper in papers]


def test_duckdb_reads_the_same(index: Path, parquet: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    papers, vectors = held(index)
    found = duckdb.sql(f"SELECT id, vector FROM '{parquet}' WHERE list_contains(categories, 'cs.CL')").fetchall()
    wanted = [(paper.id, vector) for paper, vector in zip(papers, vectors, strict=True) if "cs.CL" in paper.categories]
    assert [one for one, _vector in found] == [one for one, _vector in wanted]
    assert np.array([one for _id, one in found], np.float32).tobytes() == np.stack([v for _id, v in wanted]).tobytes()


def test_the_file_says_what_made_it(index: Path, parquet: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    told = json.loads(pq.read_schema(parquet).metadata[b"lunacy"])
    with viewed(index) as view:
        assert told["generation"] == view.generation
        assert told["fingerprint"]["model"] == view.fingerprint.model
    assert (told["n_papers"], told["scope"]) == (39, {"category": ["cs.*", "math.*"]})


def test_faiss_searches_the_vectors_in_npy(index: Path, tmp_path: Path) -> None:
    import faiss

    report = lunacy.export(index, tmp_path / "papers.npy")
    assert [path.name for path in report.files] == ["papers.npy", "papers.ids.txt"]
    vectors = np.load(tmp_path / "papers.npy")
    ids = (tmp_path / "papers.ids.txt").read_text().splitlines()
    papers, wanted = held(index)
    assert vectors.tobytes() == wanted.tobytes()
    assert ids == [paper.id for paper in papers]
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)
    found = [ids[place] for place in flat.search(vectors[:1], 3)[1][0] if ids[place] != ids[0]]
    with lunacy.open_index(index, embedder=FakeEmbedder()) as ix:
        assert found[:2] == [hit.id for hit in ix.similar(ids[0], top=2, include_withdrawn=True)]


@pytest.mark.parametrize("suffix", [".arrow", ".feather"])
def test_arrow_has_a_column_for_each_dimension(index: Path, tmp_path: Path, suffix: str) -> None:
    feather = pytest.importorskip("pyarrow.feather")
    lunacy.export(index, tmp_path / f"papers{suffix}")
    table = feather.read_table(tmp_path / f"papers{suffix}")
    papers, vectors = held(index)
    assert table.column_names == ["id", *(f"dim{n}" for n in range(vectors.shape[1]))]
    assert table["id"].to_pylist() == [paper.id for paper in papers]
    assert np.stack([one.to_numpy() for one in table.columns[1:]], axis=1).tobytes() == vectors.tobytes()


def test_scipy_reads_the_graph(index: Path, tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    report = lunacy.export(index, tmp_path / "graph.npz")
    matrix = sparse.load_npz(tmp_path / "graph.npz")
    ids = np.load(tmp_path / "graph.npz")["ids"].tolist()
    wanted = edges(index)
    assert (matrix.shape, matrix.nnz, report.n_edges) == ((39, 39), len(wanted), len(wanted))
    found = {(ids[row], ids[column]): cosine for row, column, cosine in zip(*sparse.find(matrix), strict=True)}
    assert found.keys() == {(one, other) for one, other, _rank, _cosine in wanted}
    for one, other, _rank, cosine in wanted:
        assert found[one, other] == pytest.approx(cosine, abs=1e-6)


def test_the_graph_in_parquet_has_an_edge_a_row(index: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    lunacy.export(index, tmp_path / "edges.parquet", graph=True)
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(tmp_path / "edges.parquet")
    rows = [tuple(row.values()) for row in table.to_pylist()]
    wanted = edges(index)
    assert [row[:3] for row in rows] == [row[:3] for row in wanted]
    np.testing.assert_allclose([row[3] for row in rows], [row[3] for row in wanted], atol=1e-6)
    assert json.loads(table.schema.metadata[b"lunacy"])["graph"] == {"k": 4, "recall": None}


def test_networkx_reads_the_graph(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    networkx = pytest.importorskip("networkx")
    lunacy.export(index, tmp_path / "graph.graphml")
    graph = networkx.read_graphml(tmp_path / "graph.graphml")
    assert set(graph.edges) == {(one, other) for one, other, _rank, _cosine in edges(index)}
    assert graph.nodes["1802.00001"]["title"] == "Über 1 & <graphs> 東京"
    monkeypatch.setattr("lunacy.pipeline.exports.graph_files._MOST_DRAWN", 38)
    with pytest.raises(UsageError, match="39 papers, and GraphML is for up to 38"):
        lunacy.export(index, tmp_path / "graph.graphml")
    assert len(networkx.read_graphml(tmp_path / "graph.graphml")) == 39  # as it was


def asked(folder: Path) -> list[Any]:
    with lunacy.open_index(folder, embedder=FakeEmbedder()) as ix:
        ids = [paper.id for paper in held(folder)[0]]
        answers = [list(one.hits) for one in ix.similar_many(ids, top=50, include_withdrawn=True)]
        return [answers, list(ix.similar_to_text("graphs", top=50).hits)]


def test_an_index_that_is_made_from_the_file_is_the_same(index: Path, parquet: Path, tmp_path: Path) -> None:
    report = lunacy.rebuild(parquet, into=tmp_path / "again")
    assert (report.n_papers, report.n_added) == (39, 39)
    papers, vectors = held(index)
    same, again = held(tmp_path / "again")
    assert same == papers
    assert again.tobytes() == vectors.tobytes()
    assert asked(tmp_path / "again") == asked(index)
    with viewed(index) as old, viewed(tmp_path / "again") as new:
        for name in ("fingerprint", "arithmetic", "scope", "source"):
            assert getattr(new, name) == getattr(old, name)
        assert list(new.stamps(new.live_rows()).values()) == list(old.stamps(old.live_rows()).values())
    assert verify(tmp_path / "again") == []
    snapshot = index.parent / "snapshot.jsonl"
    counts = lunacy.build_index(snapshot, into=tmp_path / "again", embedder=FakeEmbedder()).counts
    assert (counts.added, counts.unchanged) == (1, 39)


def test_what_a_stopped_run_has_stored_is_not_stored_again(parquet: Path, tmp_path: Path) -> None:
    lunacy.rebuild(parquet, into=tmp_path / "again")
    lunacy.remove(tmp_path / "again", ["1802.00001", "1802.00002"])
    assert lunacy.rebuild(parquet, into=tmp_path / "again").n_added == 2
    assert verify(tmp_path / "again") == []


def test_an_index_of_another_model_takes_none_of_it(parquet: Path, tmp_path: Path) -> None:
    (tmp_path / "snapshot.jsonl").write_bytes(lines(RECORDS[:2]))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "other", embedder=FakeEmbedder(dim=8))
    with pytest.raises(FingerprintMismatch, match="dim"):
        lunacy.rebuild(parquet, into=tmp_path / "other")


def test_a_file_that_is_not_exported_is_refused_with_what_it_lacks(parquet: Path, tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(parquet)
    cases = {
        "lacks the columns authors, vector": table.drop_columns(["authors", "vector"]),
        "does not say what made its vectors": table.replace_schema_metadata({}),
        "the column title is int64, and string is needed": table.set_column(
            table.column_names.index("title"), "title", pa.array(range(len(table)))
        ),
        "damaged behind 0 papers .Invalid isoformat": table.set_column(
            table.column_names.index("updated"), "updated", pa.array(["soon"] * len(table))
        ),
        "the column vector is": table.set_column(
            table.column_names.index("vector"), "vector", pa.array([[1.0]] * len(table), pa.list_(pa.float64()))
        ),
    }
    for said, wrong in cases.items():
        pq.write_table(wrong, tmp_path / "wrong.parquet")
        with pytest.raises(SnapshotError, match=said):
            lunacy.rebuild(tmp_path / "wrong.parquet", into=tmp_path / "new")
    (tmp_path / "wrong.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SnapshotError, match="no Parquet file, or a damaged one"):
        lunacy.rebuild(tmp_path / "wrong.parquet", into=tmp_path / "new")
    with pytest.raises(SnapshotError, match="there is no such file"):
        lunacy.rebuild(tmp_path / "none.parquet", into=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_damage_behind_the_head_leaves_no_index(parquet: Path, tmp_path: Path) -> None:
    content = bytearray(parquet.read_bytes())
    content[4:2000] = b"\xff" * 1996
    (tmp_path / "cut.parquet").write_bytes(content)
    with pytest.raises(SnapshotError, match="damaged"):
        lunacy.rebuild(tmp_path / "cut.parquet", into=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_failure_leaves_the_file_as_it_was(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "papers.npy"
    path.write_bytes(b"as it was")

    def fail(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lunacy.pipeline.exports.npy.blocks", fail)
    with pytest.raises(KeyboardInterrupt):
        lunacy.export(index, path)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("papers.npy", b"as it was")]


def test_what_is_no_file_and_a_name_that_says_nothing_are_refused(index: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    for name, said in {
        "folder.npy": "is there and is no file",
        "none/papers.npy": "there is no such folder",
        "papers.csv": r"ends in \.parquet, \.arrow, \.feather, \.npy, not '\.csv'",
        "papers": "not 'nothing'",
    }.items():
        with pytest.raises(UsageError, match=said):
            lunacy.export(index, tmp_path / name)
    with pytest.raises(UsageError, match=r"the graph ends in \.parquet, \.npz, \.graphml"):
        lunacy.export(index, tmp_path / "papers.npy", graph=True)


def test_without_a_graph_it_says_how_to_make_one(index: Path, tmp_path: Path) -> None:
    shutil.copytree(index, tmp_path / "index")
    shutil.rmtree(tmp_path / "index" / "cache")
    with pytest.raises(UsageError, match="no graph of neighbours"):
        lunacy.export(tmp_path / "index", tmp_path / "graph.npz")


def test_without_pyarrow_it_says_how_to_get_it(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.delitem(__import__("sys").modules, "lunacy.pipeline.exports.columnar", raising=False)
    monkeypatch.delattr("lunacy.pipeline.exports.columnar", raising=False)
    with pytest.raises(MissingExtra, match="pyarrow, which Parquet and Arrow need, is not installed") as caught:
        lunacy.export(index, tmp_path / "papers.parquet")
    assert "pip install" in caught.value.hint
    lunacy.export(index, tmp_path / "papers.npy")


def test_the_commands_write_and_read(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    written = run("export", "papers.parquet", "--index", str(index))
    assert written.stdout.startswith("papers.parquet: 39 papers, ")
    assert run("export", "--graph", "e.parquet", "--index", str(index)).stdout.startswith(
        "e.parquet: 39 papers, 156 ed"
    )
    made = run("index", "--from", "papers.parquet", "--into", "again")
    assert made.stdout.startswith("read 39 papers = added 39 + unchanged 0\nagain is up to date")
    assert run("index", "--from", "papers.parquet").stderr == "lunacy: say where the index goes: --into DIR\n"
    refused = run("index", "--from", "papers.parquet", "--into", "x", "--limit", "3")
    assert "leave --limit out" in refused.stderr


def test_with_a_map_the_places_are_in_the_file_and_no_obstacle_to_an_index_from_it(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(index, folder)
    lunacy.build_map(folder)
    lunacy.export(folder, tmp_path / "papers.parquet")
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(tmp_path / "papers.parquet").to_pydict()
    with viewed(folder) as view:
        found = open_map(view)
        assert found is not None
        ids = dict(view.stream("id"))
        places = zip(found.points.x.tolist(), found.points.y.tolist(), strict=True)
        on_map = {ids[row]: place for row, place in zip(found.points.rows.tolist(), places, strict=True)}
    assert 0 < len(on_map) < len(table["id"])  # some are withdrawn
    for identifier, x, y in zip(table["id"], table["x"], table["y"], strict=True):
        assert on_map.get(identifier, (None, None)) == (x, y)
    assert lunacy.rebuild(tmp_path / "papers.parquet", into=tmp_path / "again").n_papers == len(table["id"])
