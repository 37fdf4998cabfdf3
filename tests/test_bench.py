"""`lunacy bench search` and `bench embed` measure what they say, and say it in every form."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from lunacy.bench import bench_embed
from lunacy.cli import main
from lunacy.embedding.bench_baseline import onnx_baseline, torch_baseline
from lunacy.store import Store
from tests.conftest import few_quick
from tests.models import TEXTS, reference, tiny
from tests.test_modes import fill
from tests.test_search import random_units


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """300 papers; no model, few cold starts."""

    def no_model(*_arguments: Any, **_options: Any) -> None:
        from lunacy.errors import ModelError

        raise ModelError("no model in tests")

    monkeypatch.setattr("lunacy.embedding.load", no_model)
    monkeypatch.setattr("lunacy.bench.search._COLD_TURNS", 1)
    fill(tmp_path / "index", [random_units(300, dim=16)])
    return tmp_path / "index"


@pytest.mark.slow
def test_each_way_is_measured_at_the_size_that_is_asked_for(index: Path) -> None:
    arguments = ["bench", "search", "--index", str(index), "--rows", "700", "--queries", "20", "--no-graphs"]
    result = CliRunner().invoke(main, [*arguments, "--format", "json"], catch_exceptions=False)
    report = orjson.loads(result.stdout)
    assert (report["n_rows"], report["dim"]) == (700, 16)
    by_name = {line["name"]: line for line in report["lines"]}
    assert {"lunacy", "lunacy, no caches", "NumPy", "IndexFlatIP, 1 threads"} <= set(by_name)
    for name, line in by_name.items():
        assert 0 < line["p50_ms"] <= line["p95_ms"]
        assert line["recall"] > 0.9
        assert all(line["batch_ms"][size] > 0 for size in ("64", "1024"))
        if "--ivf" not in name:
            assert line["recall"] == 1
    assert [one["name"] for one in report["cold"]] == ["import faiss", "lunacy query", "lunacy query --ivf"]
    with Store(index) as store, store.view() as view:
        assert view.caches == []  # the index itself is not touched
    table = CliRunner().invoke(main, arguments, catch_exceptions=False).stdout
    assert all(name.split(",")[0] in table for name in by_name)


def test_copies_are_near_their_originals_and_unit(index: Path, tmp_path: Path) -> None:
    from lunacy.bench.search import _copy

    _copy(index, tmp_path / "copy", 450)
    with Store(tmp_path / "copy") as store, store.view() as view:
        rows = view.vectors(np.arange(450))
    np.testing.assert_allclose(rows[:300], random_units(300, dim=16), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    cosines = (rows[300:] * rows[:150]).sum(axis=1)
    assert 0.8 < cosines.min() < cosines.max() < 1


@pytest.mark.parametrize("n", few_quick([1, 2, 5, 10, 11, 12], 1, 10))
def test_fewer_papers_than_hits_are_measured_too(index: Path, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lunacy.bench.search._cold", lambda *_: [])
    arguments = ["bench", "search", "--index", str(index), "--rows", str(n), "--format", "json"]
    report = orjson.loads(CliRunner().invoke(main, arguments, catch_exceptions=False).stdout)
    assert report["n_rows"] == n
    assert all(line["recall"] == (n > 1) for line in report["lines"] if "--ivf" not in line["name"])


@pytest.mark.parametrize("n", ["0", "-5"])
def test_no_rows_are_refused(index: Path, n: str) -> None:
    result = CliRunner().invoke(main, ["bench", "search", "--index", str(index), "--rows", n])
    assert result.exit_code == 2
    assert f"{n} is not in the range x>=1" in result.stderr


@pytest.mark.slow
def test_embedding_is_compared_with_encode_on_the_same_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("optimum", "onnx"):  # sentence-transformers' OpenVINO backend needs the first
        monkeypatch.setitem(sys.modules, package, None)
    report = bench_embed(model=str(tiny(tmp_path)), device="cpu", n_texts=40)
    assert set(report.texts_per_s) == {"lunacy", "encode, defaults", "encode, batches of 8"}
    assert report.smallest_cosine > 0.9999
    assert report.slowest_stage in report.stage_texts_per_s
    assert "on OpenVINO: " in report.notes[-2]
    assert "it needs an environment of its own, with" in report.notes[-2]
    assert "on ONNX Runtime: " in report.notes[-1]
    assert "it needs the packages onnx and onnxruntime" in report.notes[-1]
    monkeypatch.setattr("lunacy.bench.bench_embed", lambda *_arguments, **_options: report)
    table = CliRunner().invoke(main, ["bench", "embed"], catch_exceptions=False)
    assert all(way in table.stdout for way in report.texts_per_s)
    assert table.stderr == "".join(f"lunacy: {note}\n" for note in report.notes)


@pytest.mark.slow
def test_a_backend_whose_vectors_are_not_those_of_encode_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tiny(tmp_path))
    right = torch_baseline(folder, device="cpu")
    wrong = SimpleNamespace(encode=lambda texts, size: right.encode([f"deep {text}" for text in texts], size))
    monkeypatch.setattr("lunacy.embedding.bench_baseline.openvino_baseline", lambda _model: right)
    monkeypatch.setattr("lunacy.embedding.bench_baseline.onnx_baseline", lambda _model: wrong)
    report = bench_embed(model=folder, device="cpu", n_texts=40)
    of_openvino = {"encode, OpenVINO, defaults", "encode, OpenVINO, batches of 8"}
    assert set(report.texts_per_s) == {"lunacy", "encode, defaults", "encode, batches of 8"} | of_openvino
    assert "not compared with ONNX Runtime: a vector of it has a cosine of 0." in report.notes[-1]


def test_onnx_runtime_gives_the_vectors_of_encode(tmp_path: Path) -> None:
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    folder = tiny(tmp_path)
    baseline = onnx_baseline(str(folder))
    for size in (1, 8):
        np.testing.assert_allclose(baseline.encode(TEXTS, size), reference(folder, TEXTS), atol=1e-5)
