"""What docs/server.md shows is what the server answers, and its bounds are those of the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

import lunacy
from lunacy.query.service import Service
from lunacy.serve import bounds
from lunacy.serve.app import create_app
from lunacy.serve.parameter_table import PARAMETERS

TEXT = (Path(__file__).parents[2] / "docs/server.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```sh\n(curl .*?)```(?:\n\n```jsonl?\n(.*?)```)?", TEXT, re.DOTALL)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a server of the sample index."""
    folder = tmp_path_factory.mktemp("document") / "sample"
    lunacy.build_index(into=folder)
    with Service([folder]) as service, TestClient(create_app(service), base_url="http://localhost:8765") as client:
        yield client


def curl(client: TestClient, command: str) -> Any:
    """What curl would be answered."""
    _curl, url, *json = shlex.split(command)
    return client.post(url, content=json[1]) if json else client.get(url)


def assert_shown(shown: Any, answered: Any) -> None:
    """All that is shown is in the answer; numbers are rounded."""
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert_shown(value, answered[name])
    elif isinstance(shown, list):
        assert len(shown) == len(answered)
        for one, other in zip(shown, answered, strict=True):
            assert_shown(one, other)
    else:
        assert answered == (pytest.approx(shown, abs=0.001) if isinstance(shown, float) else shown)


@pytest.mark.parametrize("commands", [commands for commands, _shown in EXAMPLES])
def test_the_examples_are_answered_as_shown(sample: TestClient, commands: str) -> None:
    shown = dict(EXAMPLES)[commands]
    for command in commands.splitlines():
        answer = curl(sample, command)
        if not shown:
            assert answer.status_code == 200, answer.text
        elif command.startswith("curl 'http://localhost:8765/api/batch'"):
            assert_shown(list(map(orjson.loads, shown.splitlines())), list(map(orjson.loads, answer.text.splitlines())))
        else:
            assert_shown(orjson.loads(shown), answer.json())


def test_every_parameter_is_told_with_its_bound() -> None:
    rows = re.findall(r"^\| (`[^|]*) \| [^|]* \|(?: ([^|]*))? \|$", TEXT, re.MULTILINE)
    told = {name: bound for names, bound in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(told) == {one.name for one in PARAMETERS}
    assert (told["id"], told["not"], told["top"]) == (str(bounds.IDS), str(bounds.UNLIKE), str(bounds.TOP))
    assert told["text"] == f"{bounds.TEXT:,} characters"
    assert (told["category"], told["author"]) == (str(bounds.CATEGORIES), str(bounds.AUTHORS))


def test_the_bounds_of_a_request_are_those_of_the_code() -> None:
    told = " ".join(TEXT.split())
    assert f"{bounds.HEADER_BYTES // 1024} kB of head in {bounds.HEADER_S} seconds" in told
    assert f"{bounds.BODY_BYTES // 10**6} MB of body in {bounds.BODY_S}, an answer in {bounds.WAIT_S}" in told
    assert f"{bounds.REQUESTS} are worked on at a time, and {bounds.CONNECTIONS} connections kept" in told
    assert f"stops reading for {bounds.SEND_S} seconds" in told
    assert f"up to {bounds.BATCH:,} ids" in told
