"""`lunacy bench quality`: the measures worked out by hand, and data that do not fit together."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.bench import bench_models, bench_quality
from lunacy.bench.judgements import read_qrels
from lunacy.bench.metrics import evaluator, scores
from lunacy.bench.process import Cost
from lunacy.embedding import DEFAULT_MODEL
from lunacy.errors import ModelError, SnapshotError, UsageError
from lunacy.pipeline import build_lexical
from tests.conftest import DIM, FakeEmbedder, lines, vector_of
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
    measured = scores(evaluator(), qrels, found)
    ideal = 1 + 1 / math.log2(3)
    assert measured["nDCG@10"].tolist() == pytest.approx([(1 / math.log2(3) + 1 / math.log2(5)) / ideal, 0])
    assert measured["MRR"].tolist() == pytest.approx([0.5, 0])
    assert measured["Recall@100"].tolist() == pytest.approx([1, 0])


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


@dataclass
class Calls:
    """How `lunacy index` was called, and the ids of the papers it was given."""

    arguments: list[list[str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def cost_of(self, arguments: list[str]) -> Cost | None:
        """Index in this process, without a model."""
        self.arguments.append(arguments)
        [snapshot, _into, folder, _model, model] = arguments[3:8]
        self.ids = [orjson.loads(line)["id"] for line in Path(snapshot).read_bytes().splitlines()]
        if model.endswith("broken"):
            return None
        dim = 3 if model.endswith("small") else DIM
        lunacy.build_index(snapshot, into=folder, embedder=FakeEmbedder(model, dim=dim))
        return COST


COST = Cost(wall_s=2.0, cpu_s=3.0, peak_mb=400.0)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    found = Calls()
    monkeypatch.setattr("lunacy.bench.models.cost_of", found.cost_of)
    return found


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three pairs of papers; the folders stand for models that are at hand."""
    for model in ("same", "small", "broken"):
        (tmp_path / model).mkdir()
    (tmp_path / "pairs.tsv").write_text("".join(f"{IDS[n]}\t{IDS[n + 4]}\t1\n" for n in range(0, 24, 8)))
    return tmp_path / "pairs.tsv"


def test_models_are_compared_on_all_judged_papers_and_a_random_rest(tmp_path: Path, pairs: Path, calls: Calls) -> None:
    folder, names = index_of(tmp_path / "index", PAPERS), [str(tmp_path / one) for one in ("same", "small")]
    report = bench_models(pairs, index=folder, models=names, n_papers=20)
    assert (report.n_queries, report.n_judged, report.n_papers, report.missing) == (3, 6, 20, {})
    assert {IDS[n] for n in (0, 4, 8, 12, 16, 20)} < set(calls.ids)
    assert len(set(calls.ids)) == 20
    of_index, same, small = report.models
    assert [one.name for one in report.models] == ["the index (fake/model)", *names]
    assert (of_index.cost, same.cost, same.dim, small.dim) == (None, COST, DIM, 3)
    for one in report.models:
        by_rank = {each.rank: each for each in one.rankings}
        assert list(by_rank) == (["dense", "hybrid", "lexical"] if one is of_index else ["dense", "hybrid"])
        vectors = {each: vector_of(text_of(PAPERS[IDS.index(each)]), one.dim) for each in calls.ids}
        places = []
        for n in range(0, 24, 8):
            products = {each: float(vectors[IDS[n]] @ vectors[each]) for each in calls.ids if each != IDS[n]}
            places.append(sum(product >= products[IDS[n + 4]] for product in products.values()))
        assert by_rank["dense"].mean["MRR"] == pytest.approx(np.mean([1 / place for place in places]))
        worst, best = by_rank["dense"].interval["MRR"]
        assert worst <= by_rank["dense"].mean["MRR"] <= best
    assert {ends for each in same.rankings for ends in each.against_control.values()} == {(0.0, 0.0)}
    assert any(ends != (0.0, 0.0) for each in small.rankings for ends in each.against_control.values())


def test_a_model_that_cannot_be_had_is_one_line(tmp_path: Path, pairs: Path, calls: Calls) -> None:
    folder = index_of(tmp_path / "index", PAPERS)
    wanted = [argument for one in ("nowhere/model", "same", "broken") for argument in ("--model", tmp_path / one)]
    asked = ("bench", "quality", pairs, "--index", folder, *wanted, "--prompt", "", "--prompt", "a: ", "--prompt", "")
    result = run(*asked)
    assert result.exit_code == 0, result.stderr
    lacking = [line for line in result.stderr.splitlines() if "is not measured" in line]
    assert len(lacking) == 2
    assert f"{tmp_path}/nowhere/model, prompt '' is not measured: " in lacking[0]
    assert "broken, prompt '' is not measured: its papers could not be embedded" in lacking[1]
    assert "embedding 64 papers (model 1 of 2)" in result.stderr
    assert [one[-2:] for one in calls.arguments] == [["--prompt", "a: "], ["--prompt", ""]]
    assert f"{tmp_path}/same, prompt 'a: '" in result.stdout
    assert all(word in result.stdout for word in ("words alone", "against the index (fake/model)", "32.0", "400"))
    report = orjson.loads(run(*asked, "--format", "json").stdout)
    assert len(report["missing"]) == 2
    assert [one["cost"] for one in report["models"]] == [None, {"wall_s": 2.0, "cpu_s": 3.0, "peak_mb": 400.0}]
    nothing = run("bench", "quality", pairs, "--index", folder, "--model", tmp_path / "broken")
    assert (nothing.exit_code, "fake/model" in nothing.stdout) == (0, True)
    short = run(*asked[:-2])
    assert (short.exit_code, short.stderr) == (
        2,
        "lunacy: there are 3 models and 2 prompts; give one for each, or none\n",
    )


def test_of_a_corpus_without_an_index_the_first_model_is_the_control(
    tmp_path: Path, pairs: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lunacy.query.model.load_again", lambda *_arguments, **_options: FakeEmbedder())
    beir = write_beir(tmp_path / "beir")
    report = bench_models(beir, index=None, models=[str(tmp_path / "same")] * 2, prompts=["", "a: "], n_papers=5)
    assert (report.n_papers, report.n_judged, report.n_queries) == (6, 6, 3)  # no judged paper is left out
    assert [one.name for one in report.models] == [f"{tmp_path}/same, prompt {prompt}" for prompt in ("''", "'a: '")]
    assert len(calls.ids) == 6
    with pytest.raises(ModelError, match="its papers could not be embedded"):
        bench_models(beir, index=None, models=[str(tmp_path / "broken")])
    with pytest.raises(UsageError, match="is no folder in BEIR's layout"):
        bench_models(pairs, index=None, models=[str(tmp_path / "same")])


@pytest.mark.slow
def test_a_model_is_measured_in_a_process_of_its_own(tmp_path: Path, pairs: Path) -> None:
    folder = index_of(tmp_path / "index", PAPERS)
    report = bench_models(pairs, index=folder, models=[DEFAULT_MODEL], n_papers=12)
    cost = report.models[1].cost
    assert cost is not None
    assert cost.cpu_s > 0.1
    assert 100 < cost.peak_mb < 3000
    assert (report.models[1].dim, report.models[1].max_tokens) == (384, 256)
