"""`lunacy bench quality`: the measures worked out by hand, and data that do not fit together."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.bench import bench_quality
from lunacy.bench.judgements import read_qrels
from lunacy.bench.quality import _evaluator, _scores
from lunacy.errors import SnapshotError, UsageError
from lunacy.pipeline import build_lexical
from tests.conftest import FakeEmbedder, lines, vector_of
from tests.test_cli import run
from tests.test_ranking import IDS, PAPERS, index_of, text_of

QRELS = {IDS[0]: {IDS[4]: 1}, IDS[9]: {IDS[13]: 1, IDS[1]: 1}, "a-text": {IDS[2]: 1}}


def write_beir(folder: Path, qrels: dict[str, dict[str, int]] = QRELS) -> Path:
    folder.mkdir(parents=True)
    corpus = [{"_id": one["id"], "title": one["title"], "text": one["abstract"]} for one in PAPERS]
    (folder / "corpus.jsonl").write_bytes(lines(corpus))
    (folder / "queries.jsonl").write_bytes(lines([{"_id": "a-text", "text": "neural translation decoder"}]))
    pairs = "".join(f"{query}\t{one}\t{n}\n" for query, wanted in qrels.items() for one, n in wanted.items())
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + pairs)
    return folder


def measure(data: Path, index: Path | None = None) -> Any:
    return bench_quality(data, index=index, embedder=FakeEmbedder())


def test_measures_are_those_worked_out_by_hand() -> None:
    qrels = {"a": {"x": 1, "y": 1}, "b": {"z": 1}}
    found = {"a": ["q", "x", "r", "y"], "b": ["q"]}
    scores = _scores(_evaluator(), qrels, found)
    ideal = 1 + 1 / math.log2(3)
    assert scores["nDCG@10"].tolist() == pytest.approx([(1 / math.log2(3) + 1 / math.log2(5)) / ideal, 0])
    assert scores["MRR"].tolist() == pytest.approx([0.5, 0])
    assert scores["Recall@100"].tolist() == pytest.approx([1, 0])


def test_a_corpus_in_beirs_layout_is_embedded_and_every_ranking_measured(tmp_path: Path) -> None:
    report = measure(write_beir(tmp_path / "beir"))
    assert (report.n_queries, report.n_papers) == (3, 64)
    by_name = {one.name: one for one in report.rankings}
    ranks = ["dense", "hybrid", "lexical"]
    assert list(by_name) == [*ranks, *(f"{rank} --diverse 0.5" for rank in ranks), "TF-IDF", "BM25"]
    assert by_name["lexical"].mean["Recall@100"] == 1  # all 63 others are within 100
    for one in by_name.values():
        for metric, mean in one.mean.items():
            low, high = one.interval[metric]
            assert 0 <= low <= mean <= high <= 1
    with lunacy.open_index(index_of(tmp_path / "again" / "index", PAPERS), embedder=FakeEmbedder()) as ix:
        vectors = np.array([vector_of(text_of(one)) for one in PAPERS])
        for name, diverse in (("dense", 0), ("dense --diverse 0.5", 0.5)):
            lists = [[IDS.index(hit.id) for hit in ix.similar(one, diverse=diverse)] for one in IDS]
            cosines = [np.triu(vectors[one] @ vectors[one].T, 1).sum() / 45 for one in lists]
            assert report.among_ten[name] == pytest.approx(np.mean(cosines), abs=1e-5)
        places = [[hit.id for hit in ix.similar(IDS[0], top=63)].index(IDS[4])]
        places.append(min([hit.id for hit in ix.similar(IDS[9], top=63)].index(one) for one in QRELS[IDS[9]]))
        places.append([hit.id for hit in ix.similar_to_text("neural translation decoder", top=64)].index(IDS[2]))
    assert by_name["dense"].mean["MRR"] == pytest.approx(sum(1 / (place + 1) for place in places) / 3)


def test_the_command_measures_pairs_over_an_index(tmp_path: Path) -> None:
    folder = index_of(tmp_path / "index", PAPERS)
    build_lexical(folder)
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"{IDS[0]}\t{IDS[4]}\t1\n{IDS[5]}\t{IDS[9]}\t1\n")
    result = run("bench", "quality", pairs, "--index", folder, "--format", "json")
    assert result.exit_code == 0
    assert orjson.loads(result.stdout)["n_queries"] == 2
    table = run("bench", "quality", pairs, "--index", folder).stdout
    assert all(name in table for name in ("dense", "hybrid", "lexical", "TF-IDF", "BM25", "nDCG@10", "against dense"))
    lacking = run("bench", "quality", pairs)
    assert (lacking.exit_code, lacking.stderr.count("\n")) == (2, 1)
    assert "--index DIR" in lacking.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("query-id\tcorpus-id\tscore\n", "holds no pair"),
        ("a\tb\tx\na\tb\ty\n", "line 2"),
        ("a\tb\n1802.1\tc\n", "line 2"),
        ("1802.05130\t1802.05121\t1\n", "2 ids are not in the corpus (1802.05130, 1802.05121); take them out"),
    ],
)
def test_pairs_that_cannot_be_meant_are_one_line(tmp_path: Path, content: str, reason: str) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(content)
    folder = index_of(tmp_path / "index", PAPERS[:4])
    with pytest.raises(UsageError) as raised:
        measure(pairs, folder)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_broken_corpus_is_one_line(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "beir")
    (folder / "corpus.jsonl").write_text('{"_id": "a"}\n')
    with pytest.raises(SnapshotError, match=r"corpus.jsonl, line 1: has no _id or no text"):
        measure(folder)
    (folder / "queries.jsonl").unlink()
    with pytest.raises(UsageError, match="BEIR's layout"):
        measure(folder)


def test_old_ids_in_pairs_are_taken_in_any_form(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("math.AG/0601001v2\tarXiv:1802.05130\t1\n")
    assert read_qrels(tmp_path / "pairs.tsv") == {"math/0601001": {"1802.05130": 1}}
    assert text_of(PAPERS[0]).startswith("On sheaves 0 ")


def test_a_text_with_the_number_of_a_paper_is_no_paper(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "beir", {IDS[0]: {IDS[2]: 1}})
    (folder / "queries.jsonl").write_bytes(lines([{"_id": IDS[0], "text": text_of(PAPERS[2])}]))
    assert all(one.mean["MRR"] == 1 for one in measure(folder).rankings)


def test_strange_pairs_are_one_line(tmp_path: Path) -> None:
    for content in ("a\t" + "x" * 200_000 + "\t1\n", "a\tb\t" + "9" * 30 + "\n"):
        (tmp_path / "pairs.tsv").write_text(content)
        with pytest.raises(UsageError, match="line 1: "):
            read_qrels(tmp_path / "pairs.tsv")
    (tmp_path / "pairs.tsv").write_text("a\tb\t1\n\n")
    assert read_qrels(tmp_path / "pairs.tsv") == {"a": {"b": 1}}


def test_a_corpus_of_its_own_needs_no_index(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="with papers of its own; leave out the index"):
        measure(write_beir(tmp_path / "beir"), tmp_path / "index")
