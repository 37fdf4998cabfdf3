"""`lunacy index` with a model that takes a second a text, and writes down each text when it is embedded."""

from __future__ import annotations

import os
import sys
import time
from unittest.mock import patch

from lunacy.cli import run
from lunacy.embedding import Embedded, Prepared
from tests.conftest import FakeEmbedder


class Slow(FakeEmbedder):
    """It appends a byte to a file for each text, a second after the one before."""

    def __init__(self, trace: str) -> None:
        super().__init__()
        self._trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def run(self, prepared: Prepared) -> Embedded:
        """A second a text."""
        for _text in prepared.texts:
            time.sleep(1)
            os.write(self._trace, b".")
        return super().run(prepared)


if __name__ == "__main__":
    slow = Slow(sys.argv.pop())
    with patch("lunacy.pipeline.build_inputs.load_when_needed", lambda *_arguments, **_options: slow):
        run()
