"""`python -m tests.reliability.small_index index ...`: the lunacy command in small steps, so that it commits often."""

from __future__ import annotations

import sys
import time
from unittest.mock import patch

from lunacy.cli import main
from lunacy.pipeline.stages import Stages
from lunacy.snapshot import reading
from tests.reliability.scenario import small_steps

PAUSE_S = 0.005  # a batch: as if a model worked on it


def slowly(*arguments: object, **more: object) -> None:
    """The pipeline's own step, after a while; the first tells a test that the work has begun."""
    print("working", file=sys.stderr, flush=True)
    time.sleep(PAUSE_S)
    process(*arguments, **more)


if __name__ == "__main__":
    process = Stages.process
    with small_steps(), patch.object(Stages, "process", slowly), patch.object(reading, "PROCESS_FROM_BYTES", 0):
        main()
