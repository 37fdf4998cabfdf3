"""Publishing, as far as it needs no server: addresses, expressions, refusals (distributed/test_milvus.py: the rest)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lunacy
from lunacy.advice import install
from lunacy.errors import MissingExtra, ServerError, UsageError
from lunacy.filter import Filter
from lunacy.milvus import expression, is_address, nlist_for, parse_address
from lunacy.milvus.expression import id_of, key_of
from lunacy.milvus.records import to_published
from lunacy.pipeline import publish
from lunacy.query import find_index
from tests.searcher import fill
from tests.test_cli import run

ADDRESSES = {
    "http://localhost:19530/arxiv": ("http://localhost:19530", "arxiv"),
    "milvus://localhost:19530/arxiv": ("http://localhost:19530", "arxiv"),
    "milvus://10.0.0.7/arxiv_2026": ("http://10.0.0.7:19530", "arxiv_2026"),
    "https://in03.cloud.example:443/_x": ("https://in03.cloud.example:443", "_x"),
    "http://[::1]:19530/a": ("http://[::1]:19530", "a"),
    "milvus:lite.db/arxiv": ("lite.db", "arxiv"),
    "milvus:/data/my lite.db/arxiv": ("/data/my lite.db", "arxiv"),
    "milvus:./a/b.db/c": ("./a/b.db", "c"),
    "milvus:///data/lite.db/arxiv": ("/data/lite.db", "arxiv"),
}


@pytest.mark.parametrize(("text", "parts"), ADDRESSES.items(), ids=ADDRESSES)
def test_an_address_is_a_server_and_a_collection(text: str, parts: tuple[str, str]) -> None:
    address = parse_address(text)
    assert (address.name, address.uri, address.collection) == (text, *parts)
    assert (address.lists.collection, address.facts) == (f"{parts[1]}_ivf", f"{parts[1]}_facts")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://localhost:19530", "'' cannot be a collection's name"),
        ("http://localhost:19530/", "'' cannot be a collection's name"),
        ("http://localhost:19530/a/b", "is no address of a Milvus collection"),
        ("http://localhost:port/a", "is no address: Port could not be cast"),
        ("http://localhost:99999/a", "is no address: Port out of range"),
        ("http://localhost:19530/1a", "'1a' cannot be a collection's name"),
        ("http://localhost:19530/arxiv-2026", "'arxiv-2026' cannot be a collection's name"),
        ("http:///a", "is no address of a Milvus collection"),
        ("milvus:arxiv", "is no address of a Milvus collection"),
        ("indexes/arxiv", "is no address of a Milvus collection"),
        ("ftp://localhost/a", "is no address of a Milvus collection"),
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_address(text)
    assert reason in str(caught.value)
    assert "write it like http://localhost:19530/arxiv" in str(caught.value)


def test_folders_are_told_from_addresses() -> None:
    assert all(map(is_address, ADDRESSES))
    assert not any(map(is_address, ["indexes/arxiv", "/a:b/c", "C", Path("milvus"), "./milvus:x", ""]))
    assert find_index("milvus://localhost/arxiv") == "milvus://localhost/arxiv"


@given(st.text())
def test_a_key_needs_no_escape_and_gives_the_id_back(identifier: str) -> None:
    key = key_of(identifier) if identifier.isprintable() else ""
    if key:
        assert id_of(key) == identifier
        assert set(key) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.:+,;@-_~%")


def test_keys_of_arxiv_are_its_ids() -> None:
    for identifier in ("1802.05130", "hep-th/9108006", "math/0601001"):
        assert key_of(identifier) == identifier
    assert key_of('a"b%') == "a%22b%25"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "withdrawn == false"),
        ({"category": ("hep-*",)}, 'array_contains_any(categories, ["hep-ex","hep-lat","hep-ph","hep-th"])'),
        ({"since": "2024"}, "(posted >= 20240000) and posted <= 99999999"),
        ({"since": "2024-05-31"}, "(posted >= 20240531 or posted == 20240500) and posted <= 99999999"),
        ({"until": "2024-05"}, "(posted >= 1) and posted <= 20240599"),
        ({"updated_since": "2024-05"}, "updated >= 20240500"),
        ({"only_ids": frozenset()}, "id in []"),
        ({"only_ids": frozenset({"b", 'a"'})}, 'id in ["a%22","b"]'),
        ({"not_ids": frozenset({"x"})}, 'not (id in ["x"])'),
    ],
)
def test_a_filter_becomes_an_expression(wanted: dict[str, object], words: str) -> None:
    found = expression(Filter(**wanted), include_withdrawn=False)  # type: ignore[arg-type]
    assert found in (words, f"withdrawn == false and {words}")
    assert expression(Filter(**wanted), include_withdrawn=True) == ("" if not wanted else words)  # type: ignore[arg-type]


def test_a_category_that_the_collection_has_is_asked_for() -> None:
    wanted = Filter(category=("cs.QC",))
    assert expression(wanted, True, {"cs.QC": 3}) == 'array_contains_any(categories, ["cs.QC"])'
    with pytest.raises(UsageError, match=r"arXiv has no category 'cs\.QC'"):
        expression(wanted, True)


def test_authors_are_refused() -> None:
    with pytest.raises(UsageError, match="is not asked by author"):
        expression(Filter(author=("Turing",)), include_withdrawn=False)


def test_lists_grow_with_the_root_of_the_papers() -> None:
    assert [nlist_for(n) for n in (1, 400, 10_000, 10**6, 10**9)] == [16, 80, 400, 4000, 4096]


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    fill(tmp_path / "index")
    for command in (
        ["publish", "--index", str(tmp_path / "index"), "--to", "http://localhost:19530/arxiv"],
        ["query", "1802.05130", "--index", "milvus://localhost:19530/arxiv"],
        ["info", "--index", "milvus:lite.db/arxiv"],
    ):
        result = run(*command)
        assert result.exit_code == 2
        assert result.stderr == f"lunacy: Milvus support is not installed; install it with: {install('milvus')}\n"
    with pytest.raises(MissingExtra):
        lunacy.open_index("milvus://localhost:19530/arxiv")


@pytest.mark.parametrize("command", ["ivf", "lexical", "verify", "repair", "compact", "diff", "remove 1802.05130"])
def test_commands_for_folders_refuse_addresses(command: str) -> None:
    result = run(*command.split(), "--index", "milvus://localhost:19530/arxiv")
    assert result.exit_code == 2
    assert "milvus://localhost:19530/arxiv is an address; this command is for an index folder" in result.stderr


def test_nothing_is_published_from_nowhere(tmp_path: Path) -> None:
    result = run("publish", "--index", str(tmp_path / "no"), "--to", "http://localhost:19530/arxiv")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"lunacy: {tmp_path / 'no'}")
    result = run("publish", "--index", str(tmp_path), "--to", "localhost:19530")
    assert result.exit_code == 2
    assert "is no address of a Milvus collection" in result.stderr
    with pytest.raises(UsageError, match="recall is 2"):
        publish(tmp_path, to="http://localhost:19530/arxiv", recall=2)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "null", '{"version":3}', '{"version":3,"ivf":{"nlist":1},"fingerprint":{},"dates":[]}'],
)
def test_a_damaged_description_of_a_collection_is_one_line(text: str) -> None:
    address = parse_address("milvus:lite.db/papers")
    with pytest.raises(ServerError, match=r"the description of milvus:lite\.db/papers on the server is damaged"):
        to_published([text], address)
