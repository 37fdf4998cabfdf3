"""Orders to `driver.py`, the process whose children are killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # few rows, many processes


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    signal: int
    said: str


class Children:
    """A driver, ready to start children; each order waits for its child."""

    def __init__(self, preload: Path | None = None) -> None:
        environment = {**ENVIRONMENT, "LD_PRELOAD": str(preload)} if preload else ENVIRONMENT
        self._driver = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.driver"],
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, action: str, folder: Path, **order: Any) -> Ended:
        """Carry out `action` on `folder` in a child."""
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        print(json.dumps({"action": action, "folder": str(folder), **order}), file=self._driver.stdin, flush=True)
        ended = Ended(**json.loads(self._driver.stdout.readline()))
        assert "Traceback" not in ended.said, ended.said
        return ended

    def close(self) -> None:
        """End the driver."""
        self._driver.communicate()
