"""A model is loaded only when there is something to embed, and never in place of another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from lunacy import build_index
from lunacy.embedding.lazy_embedder import LazyEmbedder
from lunacy.errors import FingerprintMismatch, SnapshotError, UsageError, VectorsError
from lunacy.fingerprint import Fingerprint
from lunacy.store import Store, verify
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of
from tests.test_cli import run
from tests.test_pipeline import assert_holds, contents

MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
PAPERS = [record(f"1802.{n:05}") for n in range(1, 8)]


class ModelOnDisk(FakeEmbedder):
    """What `load` gives for a model's folder: fake vectors under the fingerprint of its files."""

    arithmetic = "fake float32"

    def __init__(self, folder: str) -> None:
        super().__init__(model=folder)
        self.fingerprint = Fingerprint(
            model=folder,
            text="",
            dim=DIM,
            weights=sha256((Path(folder) / "model.safetensors").read_bytes()).hexdigest(),
            tokenizer=sha256((Path(folder) / "tokenizer.json").read_bytes()).hexdigest(),
            max_tokens=256,
            pooling="mean",
            prompt="",
        )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The files that identify a model, with other contents."""
    folder = tmp_path / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "modules.json").write_bytes(orjson.dumps(MODULES))
    (folder / "1_Pooling" / "config.json").write_bytes(b'{"pooling_mode_mean_tokens": true}')
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_bytes(b"tokenizer")
    return folder


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[ModelOnDisk]:
    """The models that were loaded."""
    loaded: list[ModelOnDisk] = []

    def load(model: str, **_options: Any) -> ModelOnDisk:
        loaded.append(ModelOnDisk(model))
        return loaded[-1]

    monkeypatch.setattr("lunacy.embedding.load", load)
    return loaded


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def update(write_snapshot: Callable[..., Path], folder: Path, model: Path) -> Callable[..., Any]:
    def run(records: Any, **options: Any) -> Any:
        return build_index(write_snapshot(records), into=folder, **{"model": str(model), **options})

    return run


def arithmetic_of(folder: Path) -> str:
    with Store(folder) as store, store.view() as view:
        return view.arithmetic


def test_a_first_build_loads_the_model_once(update: Any, folder: Path, loads: list[ModelOnDisk]) -> None:
    update(PAPERS)
    assert len(loads) == 1
    assert_holds(folder, PAPERS)
    assert arithmetic_of(folder) == "fake float32"


def test_an_update_without_changes_loads_no_model(update: Any, folder: Path, loads: list[ModelOnDisk]) -> None:
    update(PAPERS)
    before = contents(folder)
    loads.clear()
    assert update(PAPERS).counts.unchanged == 7
    assert update([*PAPERS[:6], {**PAPERS[6], "doi": "10.1/x"}]).counts.metadata_only == 1
    assert update(PAPERS[1:], prune=True, prune_limit=0.5).counts.pruned == 1
    assert loads == []
    assert [row[1] for row in contents(folder)] == [row[1] for row in before][1:]
    assert arithmetic_of(folder) == "fake float32"


def test_the_command_loads_no_model_either(
    update: Any, folder: Path, model: Path, loads: list[ModelOnDisk], write_snapshot: Callable[..., Path]
) -> None:
    update(PAPERS)
    loads.clear()
    result = run("index", write_snapshot(PAPERS), "--into", folder, "--model", model)
    assert (result.exit_code, result.stderr, loads) == (0, "", [])
    assert "unchanged 7" in result.stdout


def test_the_first_new_text_loads_the_model_once(update: Any, folder: Path, loads: list[ModelOnDisk]) -> None:
    update(PAPERS)
    loads.clear()
    after = [*PAPERS[:6], {**PAPERS[6], "abstract": "Another."}, record("1802.00099")]
    update(after)
    assert [len(one.texts) for one in loads] == [2]
    assert_holds(folder, after)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_changed_file_of_the_model_is_refused_with_the_first_new_paper(
    update: Any, folder: Path, model: Path, loads: list[ModelOnDisk], name: str
) -> None:
    update(PAPERS)
    before = contents(folder)
    loads.clear()
    (model / name).write_bytes(b"trained anew")
    with pytest.raises(FingerprintMismatch, match=r"in the index, .* now"):
        update([*PAPERS, record("1802.00099")])
    assert len(loads) == 1
    assert contents(folder) == before
    assert verify(folder) == []
    assert update(PAPERS).counts.unchanged == 7


def test_another_model_is_refused_without_loading(
    update: Any, folder: Path, model: Path, loads: list[ModelOnDisk]
) -> None:
    update(PAPERS)
    before = contents(folder)
    loads.clear()
    other = Path(shutil.copytree(model, model.with_name("other")))
    (other / "model.safetensors").write_bytes(b"of another training")
    with pytest.raises(FingerprintMismatch, match=r"weights: \w+ in the index, \w+ now"):
        update([*PAPERS, record("1802.00099")], model=str(other))
    assert loads == []
    assert contents(folder) == before


def test_the_same_files_elsewhere_are_the_same_model(
    update: Any, folder: Path, model: Path, loads: list[ModelOnDisk]
) -> None:
    update(PAPERS)
    loads.clear()
    moved = model.rename(model.with_name("moved"))
    update(PAPERS, model=str(moved))
    assert loads == []
    update([*PAPERS, record("1802.00099")], model=str(moved))
    assert len(loads) == 1
    assert_holds(folder, [*PAPERS, record("1802.00099")])


def test_another_recipe_is_refused_without_loading(update: Any, loads: list[ModelOnDisk]) -> None:
    update(PAPERS)
    loads.clear()
    with pytest.raises(FingerprintMismatch, match=r"text: title\+abstract in the index, abstract now"):
        update(PAPERS, text="abstract")
    assert loads == []


def test_an_update_of_given_vectors_loads_the_model_with_the_first_new_paper(
    update: Any, loads: list[ModelOnDisk], tmp_path: Path
) -> None:
    np.save(tmp_path / "v.npy", [vector_of(str(one["id"])) for one in PAPERS])
    update(PAPERS, vectors=tmp_path / "v.npy")
    assert update(PAPERS).counts.unchanged == 7
    assert update(PAPERS, model=None).counts.unchanged == 7
    with pytest.raises(FingerprintMismatch, match="model: model in the index, fake/other now"):
        update([*PAPERS, record("1802.00099")], model="fake/other")
    assert loads == []
    assert update([*PAPERS, record("1802.00099")]).counts.added == 1
    assert len(loads) == 1


@pytest.mark.parametrize(
    ("snapshot", "options", "error"),
    [
        (b"1802.00001\n", {}, SnapshotError),
        (b'{"a": 1}\n', {}, SnapshotError),
        (lines(PAPERS) + b"{\n", {"strict": True}, SnapshotError),
        (b"\n", {}, SnapshotError),
        (lines(PAPERS), {"category": ["hep-th"]}, SnapshotError),
        (lines(PAPERS), {"vectors": "v.npy"}, VectorsError),
        (lines(PAPERS), {"text": "title"}, UsageError),
    ],
)
def test_what_needs_no_model_is_refused_before_it_is_loaded(
    update: Any, folder: Path, loads: list[ModelOnDisk], snapshot: bytes, options: dict[str, Any], error: Any
) -> None:
    with pytest.raises(error):
        update(snapshot, **options)
    assert loads == []
    assert not folder.exists()


NO_TORCH = """
import sys
from click.testing import CliRunner
from lunacy.cli import main
for line in sys.stdin.read().splitlines():
    arguments, wanted = line.split(" -> ")
    result = CliRunner().invoke(main, arguments.split(), catch_exceptions=False)
    assert wanted in result.output, (line, result.output)
    assert "torch" not in sys.modules, line
"""


def test_torch_is_not_imported_before_a_text_is_embedded(tmp_path: Path) -> None:
    (tmp_path / "papers").write_bytes(lines(PAPERS))
    (tmp_path / "newer").write_bytes(lines([*PAPERS[5:], record("1802.00099")]))
    (tmp_path / "bad").write_bytes(lines(PAPERS) + b"{\n")
    (tmp_path / "ids").write_bytes(b"1802.00001\n" * 5)
    np.save(tmp_path / "v.npy", [vector_of(str(one["id"])) for one in PAPERS])
    cases = [
        "index papers --into ix --vectors v.npy --model all-MiniLM-L6-v2 -> added 7",
        "index papers --into ix -> unchanged 7",
        "index newer --into ix --prune -> the snapshot lacks 5 of 7 papers",
        "index newer --into ix --text abstract -> text: title+abstract in the index, abstract now",
        "index newer --into ix --model fake/other -> fake/other now",
        "index ids --into new -> is not in JSON Lines",
        "index bad --into new --strict -> bad, line 8, byte",
        "index papers --into new --dims 500 -> has vectors of 384 dimensions, 500 are asked for",
        "index papers --into new --model no/such --limit 1 -> no/such",
        "index papers --into new --device mps -> this machine has no mps device",
        "query 1802.00001 --index ix --format ids -> 1802.00002",
    ]
    if sys.platform == "darwin":
        cases = [case for case in cases if "mps" not in case]
    done = subprocess.run(
        [sys.executable, "-c", NO_TORCH],
        input="\n".join(cases),
        text=True,
        capture_output=True,
        cwd=tmp_path,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "new").exists()


RECORDED = Fingerprint(model="m", text="abstract", dim=DIM, weights="0" * 64, max_tokens=10_000)


def test_a_lazy_embedder_loads_with_the_first_text_and_once(embedder: FakeEmbedder) -> None:
    n_loads: list[int] = []

    def load() -> FakeEmbedder:
        n_loads.append(1)
        return embedder

    lazy = LazyEmbedder(RECORDED, load, window=8)
    assert (lazy.arithmetic, lazy.fingerprint, lazy.window, n_loads) == ("", RECORDED, 8, [])
    for text in ("one", "two"):
        np.testing.assert_array_equal(lazy.embed([text]).vectors, [vector_of(text)])
    assert (lazy.arithmetic, lazy.window, len(n_loads), embedder.texts) == ("fake", 512, 1, ["one", "two"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dim": DIM + 1}, f"dim: {DIM} in the index, {DIM + 1} now"),
        ({"weights": "1" * 64}, f"weights: {'0' * 64} in the index, {'1' * 64} now"),
        ({"max_tokens": 5}, "max_tokens: 10000 in the index, 5 now"),
    ],
)
def test_a_loaded_model_that_is_another_is_refused_each_time(changed: dict[str, Any], said: str) -> None:
    class Other(FakeEmbedder):
        def __init__(self) -> None:
            super().__init__(dim=changed.get("dim", DIM), weights=changed.get("weights", "0" * 64))
            if "max_tokens" in changed:
                self.fingerprint = Fingerprint(model="m", text="", dim=DIM, weights="0" * 64, max_tokens=5)

    lazy = LazyEmbedder(RECORDED, Other, window=8)
    for _ in range(2):
        with pytest.raises(FingerprintMismatch) as caught:
            lazy.embed(["a text"])
        assert said in str(caught.value)


def test_a_refused_lazy_model_leaves_the_index_as_it_was(
    update: Any, folder: Path, loads: list[ModelOnDisk], monkeypatch: pytest.MonkeyPatch
) -> None:
    update(PAPERS)
    before = contents(folder)
    loads.clear()
    monkeypatch.setattr("lunacy.embedding.load", lambda *_model, **_options: FakeEmbedder(weights="5" * 64))
    with pytest.raises(
        FingerprintMismatch, match=r"the index was made otherwise \(weights: 9a\w+ in the index, 5+ now"
    ):
        update([*PAPERS, record("1802.00099")])
    assert contents(folder) == before
    assert verify(folder) == []


@pytest.mark.parametrize("is_new", [True, False])
def test_notes_are_told_as_soon_as_the_model_is_loaded_and_once(
    update: Any, folder: Path, loads: list[ModelOnDisk], monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    events: list[str] = []

    class WithNotes(ModelOnDisk):
        notes = ("it is slow", "it is slow", "it is old")

        def run(self, prepared: Any) -> Any:
            events.append(f"embeds {len(prepared.texts)}")
            return super().run(prepared)

    if not is_new:
        update(PAPERS[:3])
    loads.clear()
    monkeypatch.setattr("lunacy.embedding.load", lambda model, **_options: WithNotes(model))
    report = update(PAPERS, note=events.append)
    assert events == ["it is slow", "it is old", f"embeds {7 if is_new else 4}"]
    assert report.notes == WithNotes.notes
    assert_holds(folder, PAPERS)


def test_notes_of_an_embedder_that_is_given_are_told_too(
    write_snapshot: Callable[..., Path], folder: Path, embedder: FakeEmbedder
) -> None:
    embedder.notes = ("it is fake",)
    told: list[str] = []
    build_index(write_snapshot(PAPERS), into=folder, embedder=embedder, note=told.append)
    assert told == ["it is fake"]


def test_the_command_prints_notes_once_and_before_the_rest(
    folder: Path, model: Path, loads: list[ModelOnDisk], write_snapshot: Callable[..., Path]
) -> None:
    ModelOnDisk.notes = ("it is slow",)
    try:
        result = run("index", write_snapshot(PAPERS), "--into", folder, "--model", model)
    finally:
        ModelOnDisk.notes = ()
    assert (result.exit_code, result.stderr) == (0, "lunacy: it is slow\n")
    assert loads
