"""What so many papers would take: figures worked out by hand from the rates that the README gives."""

from __future__ import annotations

import pytest

from lunacy.bench import estimate
from lunacy.render import span
from tests.test_cli import run


def test_a_million_papers_on_one_machine_take_what_was_measured() -> None:
    found = estimate(10**6, dims=384)
    assert found.vectors_bytes == 1_536_000_000
    folder, lists, milvus, _ = found.ways
    assert folder.disk_bytes == pytest.approx(1.536e9 + 1.22e9 + 0.384e9)
    assert folder.memory_bytes == 384_000_000
    assert folder.exact_s == pytest.approx(0.0327)
    assert folder.quick_s is None
    assert lists.quick_s == pytest.approx(0.00095)
    assert lists.memory_bytes == 398_000_000
    assert folder.filling_s == pytest.approx(35.7, abs=0.1)
    assert milvus.filling_s == pytest.approx(35.7 + 333.3, abs=0.1)
    assert estimate(120_000).ways[2].exact_s == pytest.approx(0.0249)
    assert found.gpus_s is None
    assert found.core_s == pytest.approx(37_736, abs=1)


def test_scans_grow_with_papers_and_dimensions_and_lists_with_the_root() -> None:
    once, more = estimate(10**6, dims=384, gpus=1), estimate(4 * 10**6, dims=768, gpus=2)
    assert more.ways[0].exact_s == pytest.approx(8 * once.ways[0].exact_s)
    assert more.vectors_bytes == 8 * once.vectors_bytes
    assert more.ways[1].quick_s == pytest.approx(2 * once.ways[1].quick_s)
    assert (once.gpus_s, more.gpus_s) == (pytest.approx(10**6 / 47_000), pytest.approx(4 * 10**6 / 94_000))
    assert (once.n_within_a_second, more.n_within_a_second) == (30_581_039, 15_290_519)


def test_the_command_shows_it() -> None:
    result = run("plan", "--papers", "250e6", "--dims", "384", "--gpus", "8")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "250,000,000 papers: 384.0 GB of vectors with 384 dimensions, 305.0 GB of text"
    assert lines[2] == "embedding: 11 min on 8 GPUs, as far as reading and storing keep up"
    assert [line.split("  ")[0] for line in lines[4:8]] == [
        "one folder",
        "one folder, lists",
        "Milvus, 2 cores",
        "Milvus, lists",
    ]
    assert "GPU" not in run("plan").stdout


@pytest.mark.parametrize("papers", ["abc", "1.5", "nan", "inf", ""])
def test_what_is_no_number_is_refused(papers: str) -> None:
    result = run("plan", "--papers", papers)
    assert result.exit_code == 2
    assert f"{papers!r} is not a whole number; write it like 3000000 or 250e6" in result.stderr


def test_no_papers_are_refused() -> None:
    result = run("plan", "--papers", "0")
    assert (result.exit_code, result.stderr) == (2, "lunacy: papers is 0; give at least 1\n")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0000005, "0.5 µs"),
        (0.00095, "950 µs"),
        (0.0156, "16 ms"),
        (0.9, "900 ms"),
        (8.17, "8.2 s"),
        (119.6, "120 s"),
        (120, "2 min"),
        (665, "11 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (72 * 3600, "3 days"),
        (9.4e6, "109 days"),
    ],
)
def test_times_are_written_for_a_person(seconds: float, text: str) -> None:
    assert span(seconds) == text
