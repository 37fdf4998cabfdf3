"""Find the arXiv papers most like this one.

>>> import lunacy
>>> with lunacy.open_index("indexes/sample") as ix:
...     for hit in ix.similar("1802.05130", top=3):
...         print(f"{hit.rank} {hit.score:.3f} {hit.id} {hit.title}")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lunacy.answer import Answer, Hit
    from lunacy.errors import LunacyError
    from lunacy.paper import Paper
    from lunacy.pipeline import BuildReport, build_index
    from lunacy.query import Index, open_index
    from lunacy.question import Question

    __version__: str

__all__ = ["Answer", "BuildReport", "Hit", "Index", "LunacyError", "Paper", "Question", "build_index", "open_index"]

_HOME = {
    "Answer": "answer",
    "BuildReport": "pipeline",
    "Hit": "answer",
    "Index": "query",
    "LunacyError": "errors",
    "Paper": "paper",
    "Question": "question",
    "build_index": "pipeline",
    "open_index": "query",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `lunacy --help` must not wait for numpy, nor a query for torch."""
    if name == "__version__":
        from importlib.metadata import version

        return version("lunacy")  # pyproject.toml has it
    if name not in _HOME:
        raise AttributeError(f"module 'lunacy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"lunacy.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
