"""Find the default index folder."""

from __future__ import annotations

from pathlib import Path

from lunacy.errors import UsageError


def find_index(given: str | Path | None, root: Path = Path("indexes")) -> str | Path:
    """The index that is given, else the only one in `root`. Raises UsageError, naming those that there are."""
    if given is not None:
        return given
    found = sorted(path.parent for path in root.glob("*/papers.db"))
    if len(found) == 1:
        return found[0]
    if not found:
        hint = "make one with `lunacy index`, or name one with --index DIR"
        raise UsageError(f"there is no index in {root}/", hint=hint)
    names = ", ".join(map(str, found))
    raise UsageError(f"there are {len(found)} indexes ({names})", hint="name one with --index DIR or LUNACY_INDEX")
