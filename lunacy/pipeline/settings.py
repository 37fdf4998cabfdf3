"""How an index is made: as asked, else as it was made before, else by default."""

from __future__ import annotations

from collections.abc import Iterable
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
    if text is not None and text not in RECIPES:
        raise UsageError(f"text {text!r} is unknown; choose one of {', '.join(RECIPES)}")
    if long_texts is not None and long_texts not in LONG_TEXTS:
        raise UsageError(f"long_texts {long_texts!r} is unknown; choose one of {', '.join(LONG_TEXTS)}")
    scope = Scope() if category is None else Scope.of(category)
    category_filter(scope.category)
    before = recorded_build(folder)
    if before is None:
        return Settings(scope, text or RECIPES[0], model, prompt, dims, long_texts or LONG_TEXTS[0], None, ())
    made_by, old = before
    asked = replace(
        made_by,
        text=text or made_by.text,
        prompt=made_by.prompt if prompt is None else prompt,
        dim=dims or made_by.dim,
        long_texts=long_texts or made_by.long_texts,
    )
    made_by.require_same(asked, where=folder)
    notes = []
    kept = {
        f"categories {old}": category is None and bool(old.category),
        f"text {made_by.text}": text is None and made_by.text != RECIPES[0],
        f"model {made_by.model}": model is None and made_by.model != DEFAULT_MODEL,
        f"long texts {made_by.long_texts}": long_texts is None and made_by.long_texts != LONG_TEXTS[0],
    }
    if any(kept.values()):
        notes.append(f"keeping to {', '.join(one for one, is_kept in kept.items() if is_kept)}, as the index was made")
    if category is not None and scope != old:
        notes.append(f"from now on the index takes in {scope} (before: {old}); the papers that it has stay")
    return Settings(
        scope=old if category is None else scope,
        recipe=asked.text,
        model=model or made_by.model,
        prompt=asked.prompt,
        dims=asked.dim,
        long_texts=asked.long_texts,
        recorded=made_by,
        notes=tuple(notes),
    )
