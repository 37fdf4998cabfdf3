"""The snapshot's lines, out of every container, and the papers and bad lines in them."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from lunacy.errors import SnapshotError
from lunacy.paper import Paper
from lunacy.snapshot import BadLine, Line, Snapshot, parse
from lunacy.snapshot import lines as module
from tests.conftest import lines, record

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TWO = b'{"id":"a","title":"b","abstract":"c"}\n{"id":"d","title":"e","abstract":"f"}\n'
THE_LINES_OF_TWO = [Line(1, 0, TWO[:37]), Line(2, 38, TWO[38:-1])]


def read(source: str | Path) -> list[Line]:
    with Snapshot(source) as snapshot:
        return list(snapshot.lines())


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


SKIPPABLE_FRAME = b"\x50\x2a\x4d\x18\x04\x00\x00\x00\x07\x00\x00\x00"  # pzstd writes one before each frame
CONTAINERS = {
    "plain": TWO,
    "gzip": gzip.compress(TWO),
    "gzip of two members": gzip.compress(TWO[:5]) + gzip.compress(TWO[5:]),
    "gzip with padding": gzip.compress(TWO) + b"\0" * 512,
    "zstd": zstd.compress(TWO),
    "zstd of two frames": zstd.compress(TWO[:5]) + zstd.compress(TWO[5:]),
    "zstd of pzstd": SKIPPABLE_FRAME + zstd.compress(TWO),
    "zip": zipped({"arxiv-metadata-oai-snapshot.json": TWO}),
    "zip, stored": zipped({"a.jsonl": TWO}, zipfile.ZIP_STORED),
    "zip with a note": zipped({"README.txt": b"hello", "folder/": b"", "folder/a.json": TWO}),
    "zip, no .json": zipped({"snapshot": TWO}),
}


@pytest.mark.parametrize("data", CONTAINERS.values(), ids=CONTAINERS)
def test_every_container_is_told_by_its_content(data: bytes, write_snapshot: Callable[..., Path]) -> None:
    assert read(write_snapshot(data, "no-suffix")) == THE_LINES_OF_TWO


def test_a_misleading_suffix_does_no_harm(write_snapshot: Callable[..., Path]) -> None:
    assert read(write_snapshot(TWO, "snapshot.jsonl.gz")) == THE_LINES_OF_TWO


@pytest.mark.parametrize("container", ["plain", "gzip", "zstd"])
def test_standard_input_is_read_and_stays_open(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(CONTAINERS[container]))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read("-") == THE_LINES_OF_TWO
    assert not stdin.buffer.closed


def pipe_with(data: bytes) -> int:
    """The reading end of a pipe that holds `data` (little enough to fit)."""
    end, other = os.pipe()
    with open(other, "wb") as file:
        file.write(data)
    return end


@pytest.mark.parametrize("container", ["plain", "gzip", "zstd"])
def test_a_pipe_is_read_and_has_no_size(container: str) -> None:
    end = pipe_with(CONTAINERS[container])
    try:
        with Snapshot(f"/dev/fd/{end}") as snapshot:
            assert list(snapshot.lines()) == THE_LINES_OF_TWO
            assert snapshot.size_bytes is None
    finally:
        os.close(end)


def test_a_zip_from_a_pipe_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(pipe_with(CONTAINERS["zip"])) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(SnapshotError, match=r"standard input: .* cannot be read from a pipe; .*unzip -p"):
            read("-")


EDGES = {
    "empty": (b"", []),
    "only blank lines": (b"\n  \r\n\t\n", []),
    "only a BOM": (b"\xef\xbb\xbf", []),
    "BOM": (b"\xef\xbb\xbf{}\n[]\n", [Line(1, 0, b"{}"), Line(2, 6, b"[]")]),
    "BOM and CRLF": (b"\xef\xbb\xbf\r\n{}\r\n", [Line(2, 5, b"{}")]),
    "BOM on a later line": (b"{}\n\xef\xbb\xbf[]\n", [Line(1, 0, b"{}"), Line(2, 3, b"\xef\xbb\xbf[]")]),
    "CRLF": (b"{}\r\n[]\r\n", [Line(1, 0, b"{}"), Line(2, 4, b"[]")]),
    "blank lines": (b"\n\n{}\n \t \n\n[]\n\n", [Line(3, 2, b"{}"), Line(6, 10, b"[]")]),
    "white space around": (b"  {} \n\t[]\n", [Line(1, 0, b"{}"), Line(2, 6, b"[]")]),
    "no last line end": (b"{}\n[]", [Line(1, 0, b"{}"), Line(2, 3, b"[]", "cut-off last line: ")]),
    "unicode": ("{é量}\n[]\n".encode(), [Line(1, 0, "{é量}".encode()), Line(2, 8, b"[]")]),
    "other line ends stay": ("{\u2028\x85}\n".encode(), [Line(1, 0, "{\u2028\x85}".encode())]),
}


@pytest.mark.parametrize(("data", "expected"), EDGES.values(), ids=EDGES)
def test_numbers_and_offsets_are_those_of_the_file(
    data: bytes, expected: list[Line], write_snapshot: Callable[..., Path]
) -> None:
    assert read(write_snapshot(data)) == expected


LONG = "longer than 20 bytes"
OVERLONG = {
    "as long as allowed": (b"x" * 20 + b"\n{}\n", [(1, 0, ""), (2, 21, "")]),
    "one too long": (b"x" * 21 + b"\n{}\n", [(1, 0, LONG), (2, 22, "")]),
    "much too long": (b"{}\n" + b"x" * 5000 + b"\n{}\n", [(1, 0, ""), (2, 3, LONG), (3, 5004, "")]),
    "two of them": (b"x" * 30 + b"\n" + b"y" * 30 + b"\n", [(1, 0, LONG), (2, 31, LONG)]),
    "the last line": (b"{}\n" + b"x" * 50, [(1, 0, ""), (2, 3, LONG)]),
    "the last line, one too long": (b"x" * 21, [(1, 0, LONG)]),
    "the last line, as long as allowed": (b"x" * 20, [(1, 0, "cut-off last line: ")]),
    "begins with blanks": (b" " * 400 + b"x\n{}\n", [(1, 0, LONG), (2, 402, "")]),
}


@pytest.mark.parametrize(("data", "expected"), OVERLONG.values(), ids=OVERLONG)
def test_an_overlong_line_is_skipped_and_marked(
    data: bytes,
    expected: list[tuple[int, int, str]],
    write_snapshot: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 20)
    found = read(write_snapshot(data))
    assert [(line.number, line.offset, line.fault) for line in found] == expected
    assert all(len(line.raw) <= 200 for line in found)


def test_an_overlong_line_is_no_paper_even_if_its_beginning_is() -> None:
    good = orjson.dumps(record("0704.0001"))
    with pytest.raises(BadLine, match=r"^longer than 20 bytes$"):
        parse(Line(1, 0, good, "longer than 20 bytes"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (zipped({"a.json": TWO, "b.jsonl": TWO}), r"holds 2 snapshots \(a\.json, b\.jsonl\)"),
        (zipped({"a": TWO, "b": TWO}), r"holds 2 snapshots \(a, b\)"),
        (zipped({"folder/": b""}), r"holds 0 snapshots \(none\)"),
    ],
)
def test_a_zip_without_exactly_one_snapshot_is_refused(
    data: bytes, message: str, write_snapshot: Callable[..., Path]
) -> None:
    with pytest.raises(SnapshotError, match=message):
        read(write_snapshot(data))


def test_an_encrypted_zip_is_refused(write_snapshot: Callable[..., Path]) -> None:
    data = bytearray(CONTAINERS["zip"])
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    with pytest.raises(SnapshotError, match=r"is encrypted; unpack it first"):
        read(write_snapshot(bytes(data)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"nowhere\.jsonl: No such file or directory; give a file"):
        Snapshot(tmp_path / "nowhere.jsonl")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"Is a directory; give a file"):
        Snapshot(tmp_path)


def test_the_position_goes_from_nothing_to_the_size(write_snapshot: Callable[..., Path]) -> None:
    path = write_snapshot(CONTAINERS["gzip"])
    with Snapshot(path) as snapshot:
        assert (snapshot.position_bytes, snapshot.size_bytes) == (0, path.stat().st_size)
        assert len(list(snapshot.lines())) == 2
        assert snapshot.position_bytes == path.stat().st_size


def test_a_file_can_be_read_twice(write_snapshot: Callable[..., Path]) -> None:
    with Snapshot(write_snapshot(CONTAINERS["zstd"])) as snapshot:
        assert [list(snapshot.lines()), list(snapshot.lines())] == [THE_LINES_OF_TWO, THE_LINES_OF_TWO]


KAGGLE = (
    rb'{"id":"math.AG/0601001v2","submitter":"A. B","authors":"Ada  Lovelace,\n  Alan Turing",'
    rb'"title":"On\n \u03b1-curves","comments":" 3 pages,\n  2 figures\n","journal-ref":"J. \u00d6\n 5",'
    rb'"doi":"10.1/x","report-no":null,"categories":"math.AG hep-th","license":null,'
    rb'"abstract":"  We study $\\alpha$.\nIt is good.\n",'
    rb'"versions":[{"version":"v1","created":"Mon, 2 Jan 2006 19:18:42 GMT"},'
    rb'{"version":"v2","created":"Tue, 24 Jul 2007 20:10:27 GMT"}],'
    rb'"update_date":"2009-11-13","authors_parsed":[["Lovelace","Ada",""],["Turing","Alan",""]]}'
)


def paper(**fields: Any) -> Paper:
    """The paper in a line with these fields changed; a field that is `...` is left out."""
    changed = {name: value for name, value in record("0704.0001", **fields).items() if value is not ...}
    return parse(Line(1, 0, orjson.dumps(changed)))


def test_every_field_of_a_full_record_arrives() -> None:
    assert parse(Line(1, 0, KAGGLE)) == Paper(
        id="math/0601001",
        title="On α-curves",
        abstract="We study $\\alpha$. It is good.",
        authors="Ada Lovelace, Alan Turing",
        categories=("math.AG", "hep-th"),
        submitted="2006-01-02",
        updated="2009-11-13",
        doi="10.1/x",
        comments="3 pages, 2 figures",
        journal_ref="J. Ö 5",
        n_versions=2,
    )


@pytest.mark.parametrize("nothing", [None, ...])
def test_what_may_be_missing_is_empty(nothing: Any) -> None:
    names = ("authors", "categories", "versions", "update_date", "doi", "comments", "submitter", "journal-ref")
    assert paper(title="T", abstract="A", **dict.fromkeys(names, nothing)) == Paper("0704.0001", "T", "A")


@pytest.mark.parametrize(
    ("written", "identifier"),
    [
        ("0704.0001", "0704.0001"),
        (" 0704.0001v3\n", "0704.0001"),
        ("hep-th/9711200v2", "hep-th/9711200"),
        ("oai:arXiv.org:2101.00003", "2101.00003"),
        ("oai:arXiv.org:hep-th/9711200", "hep-th/9711200"),
        ("https://arxiv.org/abs/hep-th%2F9711200v2", "hep-th/9711200"),
        ("arXiv: 0704.0001", "0704.0001"),
        ("hep\u2010th9711200", "hep-th/9711200"),
        ("\ufeff0704.0001", "0704.0001"),
        ("pmid-123", "pmid-123"),
        ("PMC/1234567", "PMC/1234567"),
        ("acl.long/1234567", "acl.long/1234567"),
        ("oai:example.org:2101.00003", "oai:example.org:2101.00003"),
        ("https://doi.org/10.1145/2101.00003", "https://doi.org/10.1145/2101.00003"),
        ("10.1145/3292500", "10.1145/3292500"),
        ("量子", "量子"),
        ("x" * 200, "x" * 200),
    ],
)
def test_an_id_is_canonical_or_stays_as_it_is(written: str, identifier: str) -> None:
    assert paper(id=written).id == identifier


@pytest.mark.parametrize("identifier", ["two words", "a\x00b", "a\x1b[31mb", "a\u202eb", "x" * 201])
def test_an_id_that_is_no_printable_word_is_bad(identifier: str) -> None:
    with pytest.raises(BadLine, match=r"^id is not one printable word$"):
        paper(id=identifier)


@pytest.mark.parametrize("name", ["id", "title", "abstract"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (..., "is missing"),
        (None, "is missing"),
        ("", "is empty"),
        (" \n\t", "is empty"),
        (704.0001, "is a number, not text"),
        (7, "is a number, not text"),
        (True, "is true or false, not text"),
        (["a"], "is a list, not text"),
        ({"a": 1}, "is an object, not text"),
    ],
)
def test_a_record_without_id_title_or_abstract_is_bad(name: str, value: Any, reason: str) -> None:
    with pytest.raises(BadLine, match=f"^{name} {reason}$"):
        paper(**{name: value})


@pytest.mark.parametrize(
    ("authors", "parsed", "names"),
    [
        ("Ada Lovelace, Alan M. Turing", [["Lovelace", "Ada", ""], ["Turing", "Alan M.", ""]], ""),
        ("Ada Lovelace and Alan M.Turing", [["Lovelace", "Ada", ""], ["Turing", "Alan M.", ""]], ""),
        ("A. Lovelace, B. B, and C. C", [["Lovelace", "A.", ""], ["B", "B.", ""], ["C", "C.", "", "CERN"]], ""),
        ("Fr\\'ed\\'eric Marbach", [["Marbach", "Frédéric", ""]], ""),
        ("Curtis G. Callan, Jr.", [["Callan", "Curtis G.", "Jr."]], ""),
        ("C. Bal\\'azs, C.-P. Yuan", [["Balázs", "C.", ""], ["Yuan", "C. -P.", ""]], ""),
        ("Jos\\'e Ruiz (CERN) and A. B", [["Ruiz", "José", "", "CERN"], ["B", "A.", ""]], ""),
        ("Fr\\'ed\\'eric Marbach", [["Marbach", "Fredo", ""]], "Marbach, Fredo"),
        ("{\\L}ukasz Callan Jr", [["Callan", "Łukasz", "Jr"], ["B", "A.", ""]], "Callan, Łukasz, Jr; B, A."),
        (
            None,
            [["Callan", "Curtis G.", "Jr."], ["The ATLAS Collaboration", "", ""]],
            "Callan, Curtis G., Jr.; The ATLAS Collaboration",
        ),
        ("A. B", [["B; C,", " A.\n", ""], ["D", "", ""]], "B C, A.; D"),
        ("A. B", [], ""),
        ("A. B", None, ""),
        ("A. B", "B, A.", ""),
        ("A. B", ["abc"], ""),
        ("A. B", [["B"]], ""),
        ("A. B", [["B", None, ""]], ""),
        ("A. B", [[1, 2, 3]], ""),
        ("A. B", {"B": "A."}, ""),
    ],
)
def test_parsed_authors_are_kept_where_they_say_more_than_the_list(authors: Any, parsed: Any, names: str) -> None:
    assert paper(authors=authors, authors_parsed=parsed).names == names


@pytest.mark.parametrize("name", ["authors", "doi", "update_date", "categories", "comments", "journal-ref"])
def test_a_field_of_the_wrong_type_is_bad(name: str) -> None:
    with pytest.raises(BadLine, match=f"^{name} is a number, not text$"):
        paper(**{name: 5})


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"hello", "^not JSON: "),
        (b'{"id": "0704.0001", "title": "On', "^not JSON: "),
        (b"{'id': 1}", "^not JSON: "),
        (b'{"id": NaN}', "^not JSON: "),
        (b"{} {}", "^not JSON: "),
        (b"[" * 100_000, "^not JSON: "),
        (b'{"id": "\\ud800"}', "^not JSON: "),
        (b'{"id": "\\udc00\\ud800"}', "^not JSON: "),
        (b'{"id": "a\x00b"}', "^not JSON: "),
        (b'{"id": "\xff"}', "^invalid UTF-8 at byte 8 of the line$"),
        (b'{"id": "\xed\xa0\x80"}', "^invalid UTF-8 at byte 8 of the line$"),
        (b"[]", "^not a JSON object but a list$"),
        (b'"text"', "^not a JSON object but text$"),
        (b"17", "^not a JSON object but a number$"),
        (b"null", "^not a JSON object but null$"),
        (b"true", "^not a JSON object but true or false$"),
    ],
)
def test_a_line_that_is_no_json_object_is_bad(raw: bytes, reason: str) -> None:
    with pytest.raises(BadLine, match=reason):
        parse(Line(1, 0, raw))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b'{"id": "07', "not JSON: "), (b'{"id": "\xc3', "invalid UTF-8 at byte 8 of the line$")],
)
def test_the_reason_says_that_the_last_line_is_cut_off(
    raw: bytes, reason: str, write_snapshot: Callable[..., Path]
) -> None:
    [line] = read(write_snapshot(raw))
    with pytest.raises(BadLine, match=f"^cut-off last line: {reason}"):
        parse(line)


def test_a_whole_last_line_without_its_end_is_a_paper(write_snapshot: Callable[..., Path]) -> None:
    [line] = read(write_snapshot(lines([record("0704.0001")]).rstrip()))
    assert parse(line).id == "0704.0001"


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        ("cs.CL", ("cs.CL",)),
        ("  cs.CL   stat.ML ", ("cs.CL", "stat.ML")),
        ("", ()),
        (["cs.CL stat.ML"], ("cs.CL", "stat.ML")),
        (["cs.CL", "stat.ML"], ("cs.CL", "stat.ML")),
        ([], ()),
    ],
)
def test_categories_are_words_or_a_list(categories: Any, expected: tuple[str, ...]) -> None:
    assert paper(categories=categories).categories == expected


@pytest.mark.parametrize("inner", [None, 5, ["cs.CL"], {"cs.CL": 1}])
def test_a_list_of_categories_that_are_not_text_is_bad(inner: Any) -> None:
    with pytest.raises(BadLine, match="categories"):
        paper(categories=["cs.CL", inner])


@pytest.mark.parametrize(
    ("written", "date"),
    [
        ("2018-02-14", "2018-02-14"),
        (" 2018-02-14\n", "2018-02-14"),
        ("", ""),
        ("2018-02-30", ""),
        ("yesterday", ""),
        ("14 Feb 2018", ""),
        ("99999999999-01-01", ""),
    ],
)
def test_an_odd_update_date_is_unknown(written: str, date: str) -> None:
    assert paper(update_date=written).updated == date


@pytest.mark.parametrize(
    ("versions", "date"),
    [
        ([{"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}], "2007-04-02"),
        ([{"version": "v1", "created": "Tue, 31 Dec 1991 00:00:00 GMT"}, {"created": "x"}], "1991-12-31"),
        ([{"created": "Sat, 29 Feb 1992"}], "1992-02-29"),
        ([{"created": "Fri, 30 Feb 1992 00:00:00 GMT"}], ""),
        ([{"created": "Mon, 2 Foo 2007 19:18:42 GMT"}], ""),
        ([{"created": "Mon, 2 Apr 99999999999 19:18:42 GMT"}], ""),
        ([{"created": "Mon, 99999999999 Apr 2007 19:18:42 GMT"}], ""),
        ([{"created": ""}], ""),
        ([{"created": 5}], ""),
        ([{"created": None}], ""),
        ([{}], ""),
        ([None], ""),
        ([], ""),
        ({}, ""),
        ("v1", ""),
        (5, ""),
    ],
)
def test_the_first_versions_date_is_when_it_was_submitted(versions: Any, date: str) -> None:
    assert paper(versions=versions).submitted == date
    assert paper(versions=versions).n_versions == (len(versions) if isinstance(versions, list) else 0)


def test_a_journal_reference_is_kept_with_its_white_space_squeezed() -> None:
    assert (
        paper(**{"journal-ref": "Mod.Phys.Lett.\n  A6:3591-3600,1991"}).journal_ref
        == "Mod.Phys.Lett. A6:3591-3600,1991"
    )
    assert paper(**{"journal-ref": None}).journal_ref == ""
