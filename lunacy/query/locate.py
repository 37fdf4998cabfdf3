"""Which index is meant."""

from __future__ import annotations

from pathlib import Path

from lunacy.errors import UsageError


def find_index(given: str | Path | None, root: Path = Path("indexes")) -> str | Path:
    """Which index is meant: the one given, else the only one in `indexes/`. Raises UsageError, naming those there."""
    if given is not None:
        return given
    there = sorted(path.parent for path in root.glob("*/papers.db"))
    if len(there) == 1:
        return there[0]
    if not there:
        hint = "make one with `lunacy index`, or name one with --index DIR"
        raise UsageError(f"there is no index in {root}/", hint=hint)
    names = ", ".join(map(str, there))
    raise UsageError(f"there are {len(there)} indexes ({names})", hint="name one with --index DIR or LUNACY_INDEX")
