"""What a whole process takes: time, processor time and memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

# Another process starts the measured one, because a child's peak starts at the size of the process that forks it.
_MEASURE = """
import resource, subprocess, sys, time
started = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall_s = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
print(code, wall_s, used.ru_utime + used.ru_stime, kilobytes / 1000)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def cost_of(arguments: Sequence[str]) -> Cost | None:
    """Run Python with `arguments`, without its output but with what it says on standard error; None where it failed."""
    command = [sys.executable, "-S", "-c", _MEASURE, sys.executable, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 (our own command)
    code, *measured = map(float, done.stdout.split())
    return None if code else Cost(*measured)
