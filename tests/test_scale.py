"""`python -m tests.bench.scale` finds what grows faster than the papers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import scale
from tests.bench.scale import Cost, exponent_of


@pytest.mark.parametrize(
    ("seconds", "exponent"),
    [([2.0, 20.0], 1), ([2.0, 200.0], 2), ([9.0, 2.0, 2.0], 0), ([0.01, 0.2], 0), ([0.01, 30.0], 2)],
)
def test_the_exponent_is_of_the_two_largest_sizes_and_not_of_noise(seconds: list[float], exponent: float) -> None:
    assert exponent_of(seconds, [1000, 10_000, 100_000][-len(seconds) :]) == pytest.approx(exponent)


@pytest.mark.parametrize(("most", "code"), [("1.15", 1), ("2.5", 0)])
def test_what_grows_too_fast_is_named(
    most: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def costs(_folder: Path, n: int) -> Iterator[tuple[str, Cost]]:
        yield "steady", Cost(1, n / 100, 10)
        yield "quadratic", Cost(1, n * n / 100_000, 10)

    monkeypatch.setattr(scale, "costs", costs)
    monkeypatch.setattr(scale, "cost", lambda *_command: Cost(0, 0, 0))
    monkeypatch.setattr(sys, "argv", ["scale", "--sizes", "1000,10000", "--most", most])
    assert scale.main() == code
    said = capsys.readouterr().out.splitlines()
    assert said[1].split()[-1] == "1.00"
    assert said[2].split()[-1] == "2.00"
    assert (said[-1] == "these grow faster than the papers to the power of 1.15: quadratic") == bool(code)


def test_a_command_is_measured_with_the_processes_that_it_starts() -> None:
    hold = "import time; held = b'x' * 200_000_000; time.sleep(0.5)"
    alone = scale.cost(sys.executable, "-c", hold)
    within = scale.cost(
        sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    )
    assert 200 < alone.own_mb < 240
    assert 200 < within.own_mb < 240
    assert alone.wall_s > 0.5
