"""Embedders that actors can be given: small to send, and they leave a trace of what they embedded."""

from __future__ import annotations

import os
import time
from pathlib import Path

from lunacy.embedding import Embedded, Prepared
from tests.conftest import FakeEmbedder


class Traced(FakeEmbedder):
    """Writes down how many texts it embeds, a line each time, and takes its time."""

    def __init__(self, trace: Path, *, wait_s: float = 0.0, window: int = 8) -> None:
        super().__init__()
        self.trace, self.wait_s, self.window = trace, wait_s, window

    def run(self, prepared: Prepared) -> Embedded:
        """One unit vector a text."""
        with self.trace.open("a") as file:
            file.write(f"{os.getpid()} {len(prepared.texts)}\n")
        time.sleep(self.wait_s)
        return super().run(prepared)

    def itself(self) -> Traced:
        """What an actor loads."""
        return self

    @property
    def n_texts(self) -> int:
        """How many texts all copies of it have embedded."""
        return sum(int(line.split()[1]) for line in self.trace.read_text().splitlines()) if self.trace.exists() else 0


class Failing(FakeEmbedder):
    """Has no memory."""

    window = 8

    def run(self, prepared: Prepared) -> Embedded:
        """Fail."""
        raise RuntimeError(f"out of memory for {len(prepared.texts)} texts")


class Different(FakeEmbedder):
    """Where it is unpacked, it is another model."""

    def __reduce__(self) -> tuple[type[FakeEmbedder], tuple[str, int, str]]:
        return FakeEmbedder, ("fake/model", 16, "1" * 64)
