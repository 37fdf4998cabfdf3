"""Find the default index folder, and say how to ask an index."""

from __future__ import annotations

import os
from pathlib import Path

from lunacy.advice import command
from lunacy.errors import UsageError
from lunacy.store import Store

ROOT = Path("indexes")
VARIABLE = "LUNACY_INDEX"
_FAVOURITE = "1802.05130"  # of the sample; the paper that the documents ask for


def find_index(given: str | Path | None, root: Path = ROOT) -> str | Path:
    """The index that is given, else the only one in `root`. Raises UsageError, naming those that there are."""
    if given is not None:
        return given
    found = _indexes(root)
    if len(found) == 1:
        return found[0]
    if not found:
        hint = f"make one of the sample papers with: {command('index')}, or name one with --index DIR"
        raise UsageError(f"there is no index in {root}/", hint=hint)
    names = ", ".join(map(str, found))
    hint = f"name one, as in --index {found[0]}, or set {VARIABLE}"
    raise UsageError(f"there are {len(found)} indexes ({names})", hint=hint)


def example_query(folder: str | Path, root: Path = ROOT) -> str:
    """A command that asks the index in `folder` for a paper that it has, as it works from here. Raises NoIndex."""
    with Store(folder) as store, store.view() as view:
        view.require_papers(folder)
        has_it = view.rows([_FAVOURITE])
        identifier = _FAVOURITE if has_it else view.papers(view.live_rows()[:1])[0].id
    default = os.environ.get(VARIABLE) or (str(_indexes(root)[0]) if len(_indexes(root)) == 1 else "")
    is_default = default and os.path.realpath(default) == os.path.realpath(os.path.expanduser(folder))
    return command("query", identifier, *([] if is_default else ["--index", folder]))


def _indexes(root: Path) -> list[Path]:
    return sorted(path.parent for path in root.glob("*/papers.db"))
