"""What became of the queries of `lunacy query`: answers, errors, notes, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from lunacy.cli.failures import Failure, summarized
from lunacy.cli.progress import ProgressLine
from lunacy.errors import LunacyError, NotAnId, UnknownPaper

if TYPE_CHECKING:
    from lunacy.answer import Answer
    from lunacy.question import Query


def tell(text: str) -> None:
    """Print a line on standard error, beside the line of progress."""
    from lunacy import render

    shown = click.get_current_context().find_object(ProgressLine)
    assert shown is not None  # `query` has made it
    shown.note(render.harmless(text))


@dataclass
class Outcome:
    """What became of the queries."""

    is_batch: bool
    tells_notes: bool  # whether the format has no place for those of the answers
    failed: list[Failure] = field(default_factory=list)
    n_answers: int = 0
    first_page: str = ""  # of the first hit

    def answers(self, found: Iterable[tuple[Query, Answer | LunacyError]]) -> Iterator[Answer]:
        """The answers; each error is told at once, those of a batch in the end."""
        n_asked = 0
        for query, one in found:
            n_asked += 1
            if isinstance(one, LunacyError):
                self.failed.append((query.papers[0] if query.papers else query.text, one))
                if not self.is_batch:
                    tell(one.full_message)
                continue
            for note in one.notes if self.tells_notes else ():
                tell(f"{one.paper.id}: {note}" if one.paper else note)
            self.n_answers += 1
            self.first_page = self.first_page or (one.hits[0].url if one.hits else "")
            yield one
        for line in summarized(self.failed, n_asked) if self.is_batch else ():
            tell(line)

    def exit_code(self, *, skip_unknown: bool, together: bool) -> int:
        """That of the worst error; 1 for a batch of many lists."""
        errors = [error for _asked, error in self.failed]
        if not errors or (skip_unknown and all(isinstance(one, NotAnId | UnknownPaper) for one in errors)):
            return 0
        return 1 if self.is_batch and not together else max(one.exit_code for one in errors)
