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

import orjson
import pytest

import lunacy
from lunacy.snapshot import Snapshot
from tests.conftest import FakeEmbedder

SOME = ["1802.05130", "1802.05121", "1801.06294", "1709.01687"]
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
# public functions that need no example, or have none that runs without a network
WITHOUT = {"Index.named", "Index.view", "Index.embed", "Index.close", "download", "fetch", "preview_update", "update"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the sample, whose vectors come with lunacy, and a snapshot of six of its papers."""
    folder = tmp_path_factory.mktemp("docstrings")
    with Snapshot() as sample:
        lines = {orjson.loads(line.raw)["id"]: line.raw for line in sample.lines()}
    few = [*(lines[one] for one in SOME), *list(lines.values())[:2]]
    (folder / "snapshot.jsonl").write_bytes(b"\n".join(few))
    lunacy.build_index(into=folder / "indexes/sample")
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
    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", loaded)
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


VERBS = "build_ivf build_lexical compact diff fetch preview_update prune publish remove repair update verify".split()


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_takes_the_index_first_and_options_by_name_and_returns_a_report(name: str) -> None:
    verb = getattr(lunacy, name)
    first, *others = inspect.signature(verb).parameters.values()
    assert (first.name, first.default) == ("index", inspect.Parameter.empty)
    by_place = [one.name for one in others if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert by_place == {"diff": ["snapshot"], "prune": ["snapshot"], "remove": ["papers"], "fetch": ["papers"]}.get(
        name, []
    )
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
