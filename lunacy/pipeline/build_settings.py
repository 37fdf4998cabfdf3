"""How an index is made: as asked, else as it was made before, else by default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lunacy.categories import category_filter
from lunacy.embedding import DEFAULT_MODEL, LONG_TEXTS
from lunacy.errors import UsageError
from lunacy.fingerprint import Fingerprint
from lunacy.paper import RECIPES
from lunacy.scope import Scope
from lunacy.store import recorded_build


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run and all later ones have in common."""

    scope: Scope
    recipe: str
    model: str | None  # None: the default, or the one that made the vectors that are brought along
    prompt: str | None
    dims: int | None
    long_texts: str
    recorded: Fingerprint | None  # what made the vectors that are there
    notes: tuple[str, ...]  # what the user should know of it


def settle(
    folder: Path,
    *,
    category: Iterable[str] | None,
    text: str | None,
    model: str | None,
    prompt: str | None,
    dims: int | None,
    long_texts: str | None,
) -> Settings:
    """The settings of a run for the index in `folder`; None stands for what was not asked for.

    Raises UsageError for what cannot be meant, FingerprintMismatch where the index was made otherwise.
    """
    _require_known("text", text, RECIPES)
    _require_known("long_texts", long_texts, LONG_TEXTS)
    scope = None if category is None else Scope.of(category)
    category_filter(scope.category if scope else ())
    before = recorded_build(folder)
    if before is None:
        recipe, long_texts = text or RECIPES[0], long_texts or LONG_TEXTS[0]
        return Settings(scope or Scope(), recipe, model, prompt, dims, long_texts, None, ())
    made_by, old = before
    asked = replace(
        made_by,
        text=text or made_by.text,
        prompt=made_by.prompt if prompt is None else prompt,
        dim=dims or made_by.dim,
        long_texts=long_texts or made_by.long_texts,
    )
    made_by.require_same(asked, where=folder)
    return Settings(
        scope=old if scope is None else scope,
        recipe=asked.text,
        model=model or made_by.model,
        prompt=asked.prompt,
        dims=asked.dim,
        long_texts=asked.long_texts,
        recorded=made_by,
        notes=tuple(_notes(made_by, old, scope, text, model, long_texts)),
    )


def _require_known(name: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise UsageError(f"{name} {value!r} is unknown; choose one of {', '.join(known)}")


def _notes(
    made_by: Fingerprint, old: Scope, scope: Scope | None, text: str | None, model: str | None, long_texts: str | None
) -> Iterator[str]:
    """What stays as it was, though it was not asked for and is no default; and what changes from now on."""
    unsaid = {
        f"categories {old}": scope is None and bool(old.category),
        f"text {made_by.text}": text is None and made_by.text != RECIPES[0],
        f"model {made_by.model}": model is None and made_by.model != DEFAULT_MODEL,
        f"long texts {made_by.long_texts}": long_texts is None and made_by.long_texts != LONG_TEXTS[0],
    }
    if kept := ", ".join(one for one, is_unsaid in unsaid.items() if is_unsaid):
        yield f"keeping to {kept}, as the index was made"
    if scope is not None and scope != old:
        yield f"from now on the index takes in {scope} (before: {old}); the papers that it has stay"
