"""What is said of ids and references that could not be answered, however many: a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lunacy.errors import LunacyError, NotAnId, UnknownPaper

Failure = tuple[str, LunacyError]  # what was asked for, and why there is no answer
_MOST_SHOWN, _LONGEST, _MOST_LINES = 5, 60, 20
_KINDS: dict[type[LunacyError], str] = {
    UnknownPaper: "are not in the index",
    NotAnId: "are neither ids nor titles of one paper",
}


def summarized(failed: Sequence[Failure], n_asked: int) -> Iterator[str]:
    """One line for each kind of failure among `n_asked` ids; of a kind that is there once, its own message."""
    for kind, what in _KINDS.items():
        mine = [one for one in failed if type(one[1]) is kind]
        if len(mine) < 2:
            yield from (error.full_message for _asked, error in mine)
            continue
        [first, *_] = [error for _asked, error in mine]
        shown = ", ".join(_shown(asked) for asked, _error in mine[:_MOST_SHOWN])
        more = f", ... and {len(mine) - _MOST_SHOWN:,} more" if len(mine) > _MOST_SHOWN else ""
        where = f"{first.where}: " if first.where else ""
        hint = f"; {first.hint}" if first.hint and {error.hint for _asked, error in mine} == {first.hint} else ""
        yield f"{where}{len(mine):,} of {n_asked:,} ids {what}: {shown}{more}{hint}"
    yield from (error.full_message for _asked, error in failed if type(error) not in _KINDS)


def told_first(lines: Sequence[str], more: str) -> Iterator[str]:
    """The first of `lines`, and how many others there are; `more`: what those are, "that were not found"."""
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"and {len(lines) - _MOST_LINES:,} more {more}"


def _shown(asked: str) -> str:
    """What was asked for, in quotes where it has several words."""
    words = asked.split()
    text = " ".join(words)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return repr(text) if len(words) > 1 else text
