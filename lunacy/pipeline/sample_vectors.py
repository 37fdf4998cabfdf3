"""The vectors of the sample, which come with lunacy, so that the first index is there at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files

import numpy as np
import orjson

from lunacy.advice import command
from lunacy.embedding import DEFAULT_MODEL, Embedded, canonical_name
from lunacy.embedding.unit_vectors import unit
from lunacy.entry import Entry
from lunacy.fingerprint import Fingerprint
from lunacy.pipeline.build_request import BuildRequest
from lunacy.pipeline.build_settings import Settings
from lunacy.pipeline.vector_sources import ModelVectors
from lunacy.snapshot import Batch

VECTORS = files("lunacy") / "sample" / "vectors.npz"
_WINDOW = 512  # papers


class SampleVectors:
    """Takes a paper's vector by the hash of its text; what has none there is embedded by the model."""

    doing = "storing vectors"
    window = _WINDOW

    def __init__(self, model: ModelVectors, proof: str) -> None:
        """`proof`: the command that compares them with new ones."""
        with VECTORS.open("rb") as file, np.load(file, allow_pickle=False) as found:
            self.fingerprint = Fingerprint(**orjson.loads(found["fingerprint"].tobytes()))
            self._vectors, self._is_cut = found["vectors"], found["is_cut"]  # (n, dim) float16, (n,) bool
            self._rows = {one.tobytes(): row for row, one in enumerate(found["text_hashes"])}
        self._model = model
        self.notes: Sequence[str] = (f"the sample's vectors come with lunacy; this proves them: {proof}",)

    @property
    def arithmetic(self) -> str:
        """That of the vectors in the file, or of the model, if it was needed."""
        return self._model.arithmetic or "cpu float32"

    def load(self) -> None:
        """There is nothing to load."""

    def prepare(self, batch: Batch, papers: Sequence[tuple[Entry, int]]) -> Callable[[], Embedded]:
        """Read the papers' rows."""
        rows = [row for entry, _place in papers if (row := self._rows.get(entry.text_hash)) is not None]
        if len(rows) < len(papers):
            return self._model.prepare(batch, papers)
        return lambda: Embedded(unit(self._vectors[rows]), int(self._is_cut[rows].sum()))


def sample_vectors(request: BuildRequest, settings: Settings, model: ModelVectors) -> SampleVectors | None:
    """They, where the sample is asked for as the default model makes it; who names a device asks for embedding."""
    others = (request.snapshot, request.embedder, request.vectors, request.ray, request.batch_size)
    if any(one is not None for one in others) or request.device != "auto":
        return None
    found = SampleVectors(model, command("verify", "--reembed", 20, "--index", request.into))
    made_by = found.fingerprint
    asked = (
        canonical_name(settings.model or DEFAULT_MODEL),
        settings.recipe,
        settings.long_texts,
        settings.dims or made_by.dim,
        settings.prompt or made_by.prompt,
    )
    if asked != (made_by.model, made_by.text, made_by.long_texts, made_by.dim, made_by.prompt):
        return None
    return found if settings.recorded is None or not settings.recorded.differences(made_by) else None
