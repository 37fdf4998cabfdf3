"""Make lunacy/sample/vectors.npz anew: `python -m tests.sample_vectors`. It takes a minute."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import orjson
from sentence_transformers import SentenceTransformer

import lunacy
from lunacy.embedding import DEFAULT_MODEL, load
from lunacy.embedding.locate import model_folder
from lunacy.entry import Entry
from lunacy.paper import RECIPES, embedded_text
from lunacy.snapshot import Snapshot, parse


def entries() -> list[Entry]:
    """The papers of the sample."""
    with Snapshot() as sample:
        return [Entry.of(parse(line), RECIPES[0]) for line in sample.lines()]


def make() -> dict[str, np.ndarray]:
    """What the file holds: vectors of `SentenceTransformer.encode` in float32, rounded to float16."""
    found = entries()
    texts = [embedded_text(one.paper, RECIPES[0]) for one in found]
    model = SentenceTransformer(str(model_folder(DEFAULT_MODEL)), device="cpu", local_files_only=True)
    embedder = load(n_texts=1)
    fingerprint = asdict(replace(embedder.fingerprint, text=RECIPES[0]))
    return {
        "fingerprint": np.frombuffer(orjson.dumps(fingerprint), np.uint8),
        "text_hashes": np.array([np.frombuffer(one.text_hash, np.uint8) for one in found]),  # (n, 16)
        "vectors": model.encode(texts, normalize_embeddings=True).astype(np.float16),  # (n, dim)
        "is_cut": np.array(embedder.count_tokens(texts)) > embedder.fingerprint.max_tokens,  # (n,)
    }


if __name__ == "__main__":
    np.savez(Path(lunacy.__file__).parent / "sample" / "vectors.npz", allow_pickle=False, **make())
