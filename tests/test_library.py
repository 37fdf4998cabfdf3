"""The file of reading lists: what is read, what is refused, and that a change keeps what it does not touch."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from lunacy.errors import FULL, ListError, LunacyError, NotAnId, UsageError
from lunacy.library import add, dismiss, lists_path, mark_seen, read_lists, remove, require_list, seen

BY_HAND = """\
# My thesis.
{"list": "thesis", "id": "arXiv:1802.05130v2", "note": "the baseline", "stars": 5}

  {"id": "hep-th/9711200", "list": "thesis", "tags": ["old", "é"]}
{"list": "talk", "id": "1801.06294"}
{"list": "thesis", "id": "1709.01687", "dismissed": true}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "lists.jsonl"
    file.write_text(BY_HAND)
    return file


def test_a_file_written_by_hand_is_read_in_its_order(path: Path) -> None:
    lists = read_lists(path)
    assert list(lists) == ["thesis", "talk"]
    assert lists["thesis"].ids == ("1802.05130", "hep-th/9711200")
    assert lists["thesis"].dismissed == {"1709.01687"}
    assert [entry.note for entry in lists["thesis"].entries] == ["the baseline", "", ""]
    assert lists["thesis"].entries[1].tags == ("old", "é")


def test_a_change_touches_no_other_line(path: Path) -> None:
    assert add("thesis", ["https://arxiv.org/abs/2101.00001", "1802.05130"], path=path) == ["2101.00001"]
    lines, before = path.read_text().splitlines(), BY_HAND.splitlines()
    assert lines == [*before, '{"list": "thesis", "id": "2101.00001"}']
    assert add("talk", ["2101.00002"], titles={"2101.00002": "On été"}, path=path) == ["2101.00002"]
    lines.insert(5, '{"list": "talk", "id": "2101.00002", "title": "On été"}')
    assert path.read_text().splitlines() == lines
    assert remove("thesis", ["2101.00001", "9999.99999"], path=path) == ["2101.00001"]
    assert remove("talk", path=path) == ["1801.06294", "2101.00002"]
    assert path.read_text().splitlines() == [line for line in before if "talk" not in line]


def test_what_changes_nothing_does_not_write(path: Path) -> None:
    os.utime(path, (1, 1))
    assert add("thesis", ["1802.05130"], path=path) == []
    assert dismiss("thesis", ["1709.01687"], path=path) == []
    assert remove("thesis", ["2101.00001"], path=path) == []
    assert path.stat().st_mtime == 1


def test_a_dismissed_paper_keeps_its_note_and_comes_back_with_it(path: Path) -> None:
    assert dismiss("thesis", ["1802.05130", "2101.00001"], path=path) == ["1802.05130", "2101.00001"]
    changed = read_lists(path)["thesis"]
    assert changed.ids == ("hep-th/9711200",)
    assert changed.dismissed == {"1709.01687", "1802.05130", "2101.00001"}
    line = json.loads(path.read_text().splitlines()[1])
    assert line == {
        "list": "thesis",
        "id": "arXiv:1802.05130v2",
        "note": "the baseline",
        "stars": 5,
        "dismissed": True,
    }
    assert add("thesis", ["1802.05130"], path=path) == ["1802.05130"]
    assert read_lists(path)["thesis"].ids == ("1802.05130", "hep-th/9711200")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"list": "thesis", "id": "1802.05130"', "not JSON"),
        ("1802.05130v2", "not JSON"),
        ('["1802.05130"]', "not an object"),
        ('{"list": "thesis"}', 'has no "id"'),
        ('{"id": "1802.05130"}', 'has no "list"'),
        ('{"list": " ", "id": "1802.05130"}', 'has no "list"'),
        ('{"list": "thesis", "id": 1802.0513}', '"id" is 1802.0513; give an arXiv id, as text'),
        ('{"list": "thesis", "id": "1802.0513"}', "the number behind the point has five digits"),
        ('{"list": "thesis", "id": "1802.05130", "tags": "old"}', '"tags" is "old"; give a list of texts'),
        ('{"list": "thesis", "id": "1802.05130", "tags": [1]}', '"tags" is [1]'),
        ('{"list": "thesis", "id": "1802.05130", "dismissed": "no"}', "give true or false"),
        ('{"list": "thesis", "id": "1802.05130", "id": "1802.05121"}', '"id" is given twice'),
        ('{"list": "-x", "id": "1802.05130"}', "does not begin with a hyphen"),
        ("<<<<<<< HEAD", "git left a conflict here"),
        ("[" * 100_000, "nested too deeply"),
        (b'{"list": "thesis\xe9", "id": "1802.05130"}', "not UTF-8 at byte 17"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_nothing_is_lost(path: Path, line: str | bytes, reason: str) -> None:
    before = BY_HAND.encode() + (line if isinstance(line, bytes) else line.encode()) + b"\n"
    path.write_bytes(before)
    for attempt in (
        lambda: read_lists(path),
        lambda: add("thesis", ["2101.00001"], path=path),
        lambda: remove("thesis", path=path),
    ):
        with pytest.raises(ListError) as refused:
            attempt()
        assert str(refused.value).startswith("line 7: ")
        assert reason in str(refused.value)
        assert refused.value.where == str(path)
    assert path.read_bytes() == before


def test_a_file_of_windows_and_one_without_an_end_are_read_and_added_to(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + BY_HAND.encode().replace(b"\n", b"\r\n") + b'{"list": "a", "id": "1802.05130"}')
    assert add("b", ["1802.05121"], path=path) == ["1802.05121"]
    lists = read_lists(path)
    assert lists["thesis"].ids == ("1802.05130", "hep-th/9711200")
    assert (lists["a"].ids, lists["b"].ids) == (("1802.05130",), ("1802.05121",))


def test_an_id_that_stands_twice_counts_once_as_its_last_line_says(path: Path) -> None:
    path.write_text(
        '{"list": "a", "id": "1802.05130", "dismissed": true}\n{"list": "a", "id": "1802.05121"}\n'
        '{"list": "a", "id": "1802.05130"}\n'
    )
    assert (read_lists(path)["a"].ids, read_lists(path)["a"].dismissed) == (("1802.05130", "1802.05121"), set())
    dismiss("a", ["1802.05130"], path=path)
    assert read_lists(path)["a"].dismissed == {"1802.05130"}
    assert remove("a", ["1802.05130"], path=path) == ["1802.05130"]
    assert path.read_text() == '{"list": "a", "id": "1802.05121"}\n'


@pytest.mark.parametrize("text", ["", "1802.0513", "1802.00000", "a\nb"])
def test_what_could_not_be_read_back_is_not_put_down(path: Path, text: str) -> None:
    with pytest.raises(NotAnId, match="no list can hold it"):
        add("thesis", ["2101.00001", text], path=path)
    assert path.read_text() == BY_HAND


def test_a_link_stays_a_link_and_the_mode_of_the_file_stays(path: Path, tmp_path: Path) -> None:
    path.chmod(0o600)
    link = tmp_path / "home" / "lists.jsonl"
    link.parent.mkdir()
    link.symlink_to(path)
    add("thesis", ["2101.00001"], path=link)
    assert link.is_symlink()
    assert "2101.00001" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_list_that_is_not_there_is_named_beside_those_that_are(path: Path, tmp_path: Path) -> None:
    for attempt in (
        lambda: remove("thesi", path=path),
        lambda: dismiss("thesi", ["1802.05130"], path=path),
        lambda: require_list("thesi", read_lists(path)),
    ):
        with pytest.raises(UsageError, match="there is no list 'thesi'; there are: thesis and 1 more"):
            attempt()
    with pytest.raises(UsageError, match="nor any other"):
        remove("thesis", path=tmp_path / "none.jsonl")
    assert read_lists(tmp_path / "none.jsonl") == {}


@pytest.mark.parametrize("name", ["", "  ", "-n", "a\nb", "x" * 101])
def test_a_name_that_cannot_be_read_back_is_refused(path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="the name of a list"):
        add(name, ["1802.05130"], path=path)
    assert path.read_text() == BY_HAND


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "cannot be changed: No space left on device; make room and run again"),
        (errno.EFBIG, f"cannot be changed: File too large; {FULL[errno.EFBIG]}"),
        (errno.EACCES, "cannot be changed: Permission denied"),
    ],
)
def test_what_cannot_be_written_is_told_with_the_place_and_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def fails(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("lunacy.atomic.os.fsync", fails)
    with pytest.raises(LunacyError) as raised:
        add("thesis", ["2101.00001"], path=path)
    assert raised.value.full_message == f"{path}: the reading lists {told}"
    assert path.read_text() == BY_HAND
    assert {one.name for one in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(LunacyError, match="this is no file"):
        add("thesis", ["2101.00001"], path=tmp_path / "pipe")
    with pytest.raises(LunacyError, match="cannot be read: Is a directory"):
        read_lists(tmp_path)


def test_the_variable_says_where_the_lists_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LUNACY_LISTS", "~/mine.jsonl")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert lists_path() == tmp_path / "mine.jsonl"
    monkeypatch.delenv("LUNACY_LISTS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert lists_path().name == "lists.jsonl"
    add("thesis", ["1802.05130"])
    assert read_lists()["thesis"].ids == ("1802.05130",)


def test_what_digests_have_shown_adds_up_and_goes_with_the_list(path: Path) -> None:
    assert seen("thesis", path=path).ids == frozenset()
    mark_seen("thesis", ["1802.05121", "arXiv:1802.05122v1"], 3, path=path)
    mark_seen("talk", ["1802.05123"], 4, path=path)
    mark_seen("thesis", ["1802.05124"], 5, index="other", path=path)
    assert seen("thesis", path=path).ids == {"1802.05121", "1802.05122", "1802.05124"}
    assert seen("thesis", path=path).generations == {"": 3, "other": 5}
    assert path.read_text() == BY_HAND
    remove("thesis", path=path)
    assert seen("thesis", path=path).ids == frozenset()
    assert seen("talk", path=path).ids == {"1802.05123"}
    (path.parent / "lists.seen.jsonl").write_text('{"list": "talk", "seen": "1802.05123"}\n')
    with pytest.raises(ListError, match="line 1: not like"):
        seen("talk", path=path)
