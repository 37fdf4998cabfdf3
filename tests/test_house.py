"""Every import in lunacy/ goes to a lower layer (`LAYERS`), and heavy libraries have few importers (`IMPORTERS`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lunacy

PACKAGE = Path(lunacy.__file__).parent

LAYERS = {
    "terms": [
        "advice",
        "answer",
        "arrays",
        "atomic",
        "author_lists",
        "authors",
        "bibtex",
        "categories",
        "category_names",
        "copies",
        "cores",
        "dates",
        "digest",
        "display",
        "doi",
        "entry",
        "errors",
        "everyday_words",
        "filter",
        "fingerprint",
        "formats",
        "id_faults",
        "keywords",
        "kinds",
        "language",
        "letters",
        "limits",
        "measured",
        "names",
        "paper",
        "progress",
        "question",
        "readahead",
        "region",
        "same_authors",
        "scope",
        "sentences",
        "tex",
        "title_key",
        "unicode",
        "why",
        "withdrawn",
    ],
    "inputs and outputs": [
        "snapshot",
        "idlist",
        "library",
        "mail",
        "draw",
        "references",
        "embedding",
        "store",
        "harvest",
        "milvus",
        "render",
    ],
    "derived": ["derived"],
    "search": ["search"],
    "operations": ["pipeline", "query"],
    "benchmarks": ["bench"],
    "interfaces": ["cli", "serve", "__main__", "__init__"],
}
LAYER_OF = {module: layer for layer, modules in enumerate(LAYERS.values()) for module in modules}
TERMS, INTERFACES = 0, len(LAYERS) - 1

# Who may import a library: a folder, or a file.
IMPORTERS = {
    "openTSNE": ["pipeline/mapping/layout.py"],
    "torch": ["embedding", "search/gpu.py"],
    "sentence_transformers": ["embedding"],
    "transformers": ["embedding"],
    "tokenizers": ["embedding"],
    "safetensors": ["embedding"],
    "openvino": ["embedding/engines"],
    "nanotoken": ["embedding/tokenizer.py"],
    "sqlite3": ["store"],
    "faiss": ["derived", "search", "store/segments.py", "bench/engines.py"],
    "scipy": ["pipeline/mapping"],
    "tantivy": ["derived/lexical.py"],
    "platformdirs": ["library/places.py"],
    "threadpoolctl": ["derived/faiss_threads.py"],
    "pymilvus": ["milvus"],
    "click": ["cli"],
    "ray": ["pipeline/on_ray"],
    "pyarrow": ["pipeline/on_ray", "pipeline/exports/columnar.py"],
    "httpx2": ["harvest"],
    "pypdf": ["references/pdf.py"],
    "xml": ["harvest", "render/atom.py", "references/records.py", "serve/page/mathml.py"],
    "latex2mathml": ["serve/page/mathml.py"],
    "starlette": ["serve"],
    "uvicorn": ["serve"],
    "jinja2": ["serve"],
    "markupsafe": ["serve"],
    "mcp": ["serve/agents"],
}


def imports_of(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that a file imports, inside functions and `if TYPE_CHECKING` too."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [node.module] if node.module else []
            if node.level:
                here = [package.name, *path.relative_to(package).parent.parts]
                base = [*here[: len(here) - node.level + 1], *base]
            yield from ((node.lineno, ".".join([*base, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
            yield from ((node.lineno, str(one.value)) for one in node.args[:1] if isinstance(one, ast.Constant))


def module_of(dotted: str, package: Path) -> str:
    """Where `lunacy.store.Writer` is: `store`; a name of the package itself, such as `__version__`: `__init__`."""
    name = [*dotted.split("."), "__init__"][1]
    return name if (package / name).is_dir() or (package / f"{name}.py").is_file() else "__init__"


def may_import(importer: str, imported: str) -> bool:
    same_module = importer == imported
    among_equals = LAYER_OF[importer] == LAYER_OF[imported] and LAYER_OF[importer] in (TERMS, INTERFACES)
    return same_module or among_equals or LAYER_OF[imported] < LAYER_OF[importer]


def faults(package: Path) -> list[str]:
    """Every import that breaks a rule, and every module or package without a layer."""
    found = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        module = inside.parts[0].removesuffix(".py")
        if module not in LAYER_OF:
            found.append(f"{inside}: {module} has no layer")
            continue
        for line, dotted in imports_of(path, package):
            library = dotted.split(".")[0]
            if library == package.name:
                other = module_of(dotted, package)
                if other not in LAYER_OF or not may_import(module, other):
                    found.append(f"{inside}:{line}: {module} imports {other}")
            elif library in IMPORTERS and not any(inside.is_relative_to(one) for one in IMPORTERS[library]):
                found.append(f"{inside}:{line}: {module} imports {library}")
    return found


def test_every_import_keeps_the_rules() -> None:
    assert faults(PACKAGE) == []


def test_every_import_is_seen() -> None:
    """The reader of imports is not blind: a few that are known to be there."""
    query = [name for _line, name in imports_of(PACKAGE / "cli" / "query.py", PACKAGE)]
    assert {"click", "lunacy.render", "lunacy.query.open_index", "lunacy.question.RANKS"} <= set(query)
    assert "faiss" in [name for _line, name in imports_of(PACKAGE / "store" / "segments.py", PACKAGE)]


HEALTHY = {
    "__init__.py": "__version__ = '1'",
    "errors.py": "import re",
    "paper.py": "from lunacy.errors import NotAnId",
    "snapshot.py": "from lunacy import paper",
    "store/__init__.py": "from lunacy.store.segments import Segment",
    "store/segments.py": "import faiss, sqlite3\nfrom .. import errors\nfrom . import files",
    "store/files.py": "",
    "search/exact.py": "import faiss\nfrom lunacy.store import Segment",
    "query.py": "from lunacy.search import exact",
    "cli/__init__.py": "import click\nfrom lunacy import __version__\nfrom lunacy.query import open_index",
    "__main__.py": "from lunacy.cli import main",
}


def build(folder: Path, **changed: str) -> Path:
    """HEALTHY, with some files changed."""
    package = folder / "lunacy"
    for name, code in {**HEALTHY, **changed}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(code)
    return package


def test_a_healthy_made_up_package_has_no_faults(tmp_path: Path) -> None:
    assert faults(build(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "code", "fault"),
    [
        ("errors.py", "import lunacy.query", "errors.py:1: errors imports query"),
        ("snapshot.py", "from lunacy.store import Segment", "snapshot.py:1: snapshot imports store"),
        ("snapshot.py", "from lunacy import store", "snapshot.py:1: snapshot imports store"),
        ("snapshot.py", "from . import store", "snapshot.py:1: snapshot imports store"),
        ("store/files.py", "from ..search import exact", "store/files.py:1: store imports search"),
        ("snapshot.py", "def f():\n    from lunacy import query", "snapshot.py:2: snapshot imports query"),
        ("paper.py", "if TYPE_CHECKING:\n    import lunacy.cli", "paper.py:2: paper imports cli"),
        ("search/exact.py", "from lunacy.query import Index", "search/exact.py:1: search imports query"),
        ("pipeline.py", "from lunacy.query import Index", "pipeline.py:1: pipeline imports query"),
        ("query.py", "from lunacy import __version__", "query.py:1: query imports __init__"),
        ("query.py", "import_module('lunacy.cli')", "query.py:1: query imports cli"),
        ("query.py", "import numpy, torch.nn", "query.py:1: query imports torch"),
        ("query.py", "def f():\n    import faiss", "query.py:2: query imports faiss"),
        ("store/files.py", "import faiss", "store/files.py:1: store imports faiss"),
        ("search/exact.py", "import sqlite3 as db", "search/exact.py:1: search imports sqlite3"),
        ("render.py", "from click import style", "render.py:1: render imports click"),
        ("utils.py", "", "utils.py: utils has no layer"),
    ],
)
def test_each_broken_rule_is_found(tmp_path: Path, name: str, code: str, fault: str) -> None:
    assert faults(build(tmp_path, **{name: code})) == [fault]


def test_modules_and_functions_stay_short() -> None:
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert len(source.splitlines()) <= 300, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[ast.get_docstring(node) is not None :] or node.body
                assert body[-1].end_lineno - body[0].lineno < 50, (path, node.name)
