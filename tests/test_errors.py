"""The error tree: what each error is to the command line, to Python and over HTTP."""

from __future__ import annotations

import ast
import inspect
import re
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from lunacy import errors
from lunacy.advice import install
from lunacy.errors import IndexDamaged, LunacyError, MissingExtra, UsageError

DRAWN = re.compile(r"^((?:[│ ]   )*)(?:[├└]── )?(\w+) +(\d) +(\d{3}) ", re.MULTILINE)  # indent, name, code, status
TOLD = {name: (int(code), int(status)) for _indent, name, code, status in DRAWN.findall(str(errors.__doc__))}


def tree(root: type[LunacyError]) -> Iterator[type[LunacyError]]:
    yield root
    for one in root.__subclasses__():
        yield from tree(one)


def test_every_error_is_in_the_tree_with_its_exit_code_and_status() -> None:
    assert {one.__name__: (one.exit_code, one.status) for one in tree(LunacyError)} == TOLD


def test_no_other_file_has_an_error_of_its_own() -> None:
    for path in Path(str(errors.__file__)).parent.rglob("*.py"):
        classes = [one for one in ast.walk(ast.parse(path.read_bytes())) if isinstance(one, ast.ClassDef)]
        found = [one.name for one in classes if {ast.unparse(base) for base in one.bases} & TOLD.keys()]
        assert path.name == "errors.py" or found == []


def test_the_tree_is_drawn_as_it_is() -> None:
    path: list[str] = []
    for indent, name, *_ in DRAWN.findall(str(errors.__doc__)):
        depth = 0 if name == "LunacyError" else len(indent) // 4 + 1
        path[depth:] = [name]
        assert [one.__name__ for one in inspect.getmro(getattr(errors, name))][: depth + 1] == path[::-1]


@pytest.mark.parametrize("kind", list(tree(LunacyError)))
def test_codes_fit_their_doors(kind: type[LunacyError]) -> None:
    assert kind.exit_code == (2 if issubclass(kind, UsageError) else 1)
    assert 400 <= kind.status <= 599
    assert kind.__doc__


def test_a_message_says_what_is_wrong_and_the_hint_what_to_do() -> None:
    error = IndexDamaged("a row is in no segment", where="/home/me/ix", hint="see: lunacy verify")
    assert str(error) == "a row is in no segment"
    assert error.full_message == "/home/me/ix: a row is in no segment; see: lunacy verify"
    assert "".join(traceback.format_exception_only(error)).splitlines() == [
        "lunacy.errors.IndexDamaged: a row is in no segment",
        "see: lunacy verify",
    ]
    assert MissingExtra("Milvus support", "milvus").full_message == (
        f"Milvus support is not installed; install it with: {install('milvus')}"
    )
