"""The examples in the docstrings of the public names run, and print what they say."""

from __future__ import annotations

import doctest
import inspect
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import orjson
import pytest

import lunacy
from lunacy.snapshot import Snapshot
from tests.conftest import FakeEmbedder

# As the README shows it: this paper's neighbours, and their cosine.
ASKED, NEAR = "1802.05130", {"1802.05121": 0.912, "1801.06294": 0.840, "1709.01687": 0.835}
MODEL = "sentence-transformers/all-MiniLM-L6-v2"


def examples() -> Iterator[tuple[str, str]]:
    """Each docstring with an example, of the public names and their members."""
    yield "lunacy", lunacy.__doc__ or ""
    for name in lunacy.__all__:
        found = getattr(lunacy, name)
        yield name, found.__doc__ or ""
        if inspect.isclass(found):
            for member, value in vars(found).items():
                if not member.startswith("_") and isinstance(value, property | classmethod | FunctionType):
                    yield f"{name}.{member}", getattr(value, "__doc__", None) or ""


EXAMPLES = {name: text for name, text in examples() if ">>> " in text}
WITHOUT = {"Index.named", "Index.close"}  # public functions that need no example


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample, in which the neighbours of one paper are the true ones, and a snapshot of six of them."""
    folder = tmp_path_factory.mktemp("docstrings")
    with Snapshot() as sample:
        lines = {orjson.loads(line.raw)["id"]: line.raw for line in sample.lines()}
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((len(lines), 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    place = {one: at for at, one in enumerate(lines)}
    for one, cosine in NEAR.items():
        asked, other = vectors[place[ASKED]], vectors[place[one]]
        apart = other - (other @ asked) * asked
        vectors[place[one]] = cosine * asked + np.sqrt(1 - cosine**2) * apart / np.linalg.norm(apart)
    np.save(folder / "sample.npy", vectors)
    (folder / "snapshot.jsonl").write_bytes(
        b"\n".join([*(lines[one] for one in [ASKED, *NEAR]), *list(lines.values())[:2]])
    )
    lunacy.build_index(into=folder / "indexes/sample", vectors=folder / "sample.npy", model=MODEL)
    return folder


SLOW = {"build_ivf", "build_lexical"}


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in EXAMPLES])
def test_an_example_prints_what_it_says(name: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "publish" and not find_spec("milvus_lite"):
        pytest.skip("needs milvus-lite")
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lunacy.pipeline.tune_ivf.N_TITLES", 20)
    loaded: Any = lambda *_arguments, **_options: FakeEmbedder(MODEL, dim=384)  # noqa: E731
    for place in ("lunacy.query.model.load_again", "lunacy.pipeline.build_inputs.load_when_needed"):
        monkeypatch.setattr(place, loaded)
    with lunacy.open_index("indexes/sample") as ix:
        test = doctest.DocTestParser().get_doctest(EXAMPLES[name], {"lunacy": lunacy, "ix": ix}, name, None, 0)
        told: list[str] = []
        doctest.DocTestRunner().run(test, out=told.append)
    assert told == []


def test_every_public_function_has_an_example() -> None:
    functions = {name for name in lunacy.__all__ if inspect.isfunction(getattr(lunacy, name))}
    methods = {
        f"Index.{name}" for name, one in vars(lunacy.Index).items() if inspect.isfunction(one) and name[0] != "_"
    }
    assert (functions | methods) - EXAMPLES.keys() == WITHOUT


VERBS = ["build_ivf", "build_lexical", "compact", "diff", "prune", "publish", "remove", "repair", "verify"]


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_takes_the_index_first_and_options_by_name_and_returns_a_report(name: str) -> None:
    verb = getattr(lunacy, name)
    first, *others = inspect.signature(verb).parameters.values()
    assert (first.name, first.default) == ("index", inspect.Parameter.empty)
    by_place = [one.name for one in others if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert by_place == {"diff": ["snapshot"], "prune": ["snapshot"], "remove": ["papers"]}.get(name, [])
    report = getattr(lunacy, inspect.signature(verb).return_annotation)
    assert report.__dataclass_params__.frozen


def test_every_option_of_a_question_is_seen_where_it_may_be_given() -> None:
    options = set(inspect.signature(lunacy.Question).parameters) - {"papers", "text", "together"}
    assert {"top", "since", "until", "updated_since", "category", "author", "rank", "diverse"} <= options
    for name in ("similar", "similar_many", "similar_to_text", "similar_to_all"):
        method = getattr(lunacy.Index, name)
        shown = inspect.signature(method).parameters
        assert options <= set(shown), name
        assert all(shown[one].annotation is not inspect.Parameter.empty for one in options)
        assert all(f"`{one}`" in method.__doc__ for one in options)
