"""`python -m tests.reliability.small_index index ...`: the lunacy command in small steps, so that it commits often."""

from __future__ import annotations

import sys
import time
from unittest.mock import patch

from lunacy.cli import main
from lunacy.pipeline.run import Run
from lunacy.snapshot import reading
from tests.reliability.scenario import small_steps

PAUSE_S = 0.005  # a window: as if a model worked on it


def slowly(*arguments: object, **more: object) -> None:
    """The pipeline's own step, after a while; the first tells a test that the work has begun."""
    print("working", file=sys.stderr, flush=True)
    time.sleep(PAUSE_S)
    take_in(*arguments, **more)


if __name__ == "__main__":
    take_in = Run.take_in
    with small_steps(), patch.object(Run, "take_in", slowly), patch.object(reading, "PROCESS_FROM_BYTES", 0):
        main()
