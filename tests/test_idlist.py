"""Lists of ids in every form that people have, and what is refused: by name, line and reason."""

from __future__ import annotations

import gzip
import os
import re
import threading
from pathlib import Path

import orjson
import pytest

from lunacy.errors import ListError, NotAnId, UnknownPaper
from lunacy.idlist import read_ids, read_text
from lunacy.paper import canonical_id
from lunacy.query import Index, read_not_ids, read_only_ids
from tests.searcher import IDS as ALL
from tests.searcher import fill

IDS = [one for one in ALL if canonical_id(one)]

A, B, C = "1802.05130", "hep-th/9711200", "math.AG/0601001v2"
RECORD = {"rank": 1, "id": A, "title": "T"}
ANSWER = {"query": {"ids": ["9999.99999"], "titles": ["Q"]}, "exact": True, "hits": [RECORD, {"rank": 2, "id": B}]}


def json(*values: object) -> str:
    return "".join(f"{orjson.dumps(value).decode()}\n" for value in values)


PLAIN = {
    "one a line": f"{A}\n{B}\n",
    "without a last line end": f"{A}\n{B}",
    "comments and blank lines": f"# my papers\n\n  {A}  # good\n\t\n{B}#x\n#{C}\n",
    "CRLF": f"{A}\r\n{B}\r\n",
    "CR": f"{A}\r{B}\r",
    "a mark": f"\ufeff{A}\n{B}\n",
    "in quotes": f"'{A}'\n\"{B}\",\n",
    "in brackets": f"[{A}]\n{{{B}}}\n",
    "links": f"<https://arxiv.org/abs/{A}v3>\nhttps://arxiv.org/pdf/{B}.pdf#page=2\n",
    "other forms": f"oai:arXiv.org:{A}\nhep-th9711200\n",
}
TABLES = {
    "CSV": f'id,title\n{A},"Co-training"\n{B},"Multi-Task"\n',
    "of lunacy query": f"query,rank,id,score,title\n9999.99999,1,{A},0.9,T\n9999.99999,2,{B},0.8,U\n",
    "semicolons": f"Title;arXiv ID;Year\nA;{A};2018\nB;{B};1997\n",
    "tabs": f"eprint\ttitle\n{A}\tA, b\n{B}\tC\n",
    "tabs and loose quotes": f'title\tid\n"Why?": a paper\t{A}\n"\t{B}\n',
    "bars": f"paper_id|title\n{A}|T\n{B}|U\n",
    "quoted": f'"TITLE","ARXIV_ID"\n"a ""b"", c","{A}"\n"d","{B}"\n',
    "a mark and CRLF": f"\ufeffid,title\r\n{A},T\r\n{B},U\r\n",
    "several lines a cell": f'abstract,id\n"one\ntwo, {C}\n",{A}\n"x\n\ny",{B}\n',
    "the most telling column": f"id,arxiv\n1,{A}\n2,{B}\n",
    "one column": f"arXiv\n{A}\n{B}\n",
    "other line ends in a title": f"id,title\n{A},one\u2028two\x0bthree\x85four\n{B},U\n",
    "comments first": f"  % a comment\n# made by x\n\nid;n\n{A};1\n{B};2\n",
    "empty cells": f"id,title\n{A},T\n,no id\n\n{B}\n",
}
JSON = {
    "lines": json({"id": A}, {"id": B}),
    "lines, blank and CRLF": json({"id": A}).replace("\n", "\r\n\r\n") + json({"id": B}),
    "a snapshot": json({"id": A, "title": "T", "abstract": "x"}, {"id": B, "title": "T"}),
    "a list": json([A, B]),
    "a list over lines": orjson.dumps([A, B], option=orjson.OPT_INDENT_2).decode(),
    "a list of objects": json([{"arxiv_id": A}, {"Paper ID": B}]),
    "an object over lines": orjson.dumps([{"id": A}, {"id": B}], option=orjson.OPT_INDENT_2).decode(),
    "lines of texts": json(A, B),
    "null for an id": json({"arxiv_id": A}, {"arxiv_id": None}, {"arxiv_id": B}),
    "of lunacy query, lines": json(ANSWER),
    "of lunacy query, one": orjson.dumps(ANSWER, option=orjson.OPT_INDENT_2).decode(),
    "of lunacy query, several": "[\n" + json(ANSWER).strip() + "\n]\n",
}
BIBTEX = {
    "braces": "@misc{a, eprint={AA}}\n@misc{b, eprint = {BB}}\n",
    "quotes and case": '@MISC(a,\n EPRINT = "AA",\n ArchivePrefix="arXiv")\n@article{b,\n  Eprint={ BB },\n}',
    "on one line": "@misc{a, eprint=AA, year=2018} @misc{b, eprint={BB}}",
    "macros and joined values": '@string{one = "AA"}\n@misc{a, eprint = one}\n@misc{b, eprint = "" # {BB}}\n',
    "BibLaTeX": "@online{a, eprint = {AA}, eprinttype = {arxiv}, eprintclass = {cs.CL}}\n@misc{b, arxivid={BB}}",
    "links": "@misc{a, url = {https://arxiv.org/abs/AA}}\n@misc{b, howpublished={\\url{https://arxiv.org/abs/BB}}}",
    "DOIs": "@misc{a, doi = {10.48550/arXiv.AA}}\n@misc{b, doi={https://doi.org/10.48550/arXiv.BB}}",
    "journals": "@article{a, journal={arXiv preprint arXiv:AA}}\n@article{b, journal = {arXiv:BB [hep-th]}}",
    "a journal with a year": "@article{a, journal={arXiv:AA (2018)}}\n@misc{b, note={arXiv:BB}}",
    "of dblp": "@article{a, journal={CoRR}, volume={abs/AA}}\n@misc{b, eprint={BB}}",
    "an archive as prefix": "@misc{a, eprint={AA}}\n@misc{b, eprint={9711200}, archivePrefix={hep-th}}",
    "a missing comma": "@misc{a, title={b} eprint={AA}}\n@misc{b,eprint={BB}}",
    "a missing brace": '@misc{a, eprint={AA}, title={x\n@article{b, eprint = "BB",}',
    "a key that comes twice": "@misc{a, eprint={AA}}\n@misc{a, eprint={BB}}",
    "comments": "% x\n@comment{a, eprint={CC}}\n@string{j = {J}}\n@misc{a, eprint={AA}}\n@misc{b,eprint={BB}}",
    "words before": "Made by Mendeley.\n\n@article{a,\neprint = {AA}\n}\n@article{b,\neprint = {BB}\n}",
    "other prints": "@misc{a, eprint={AA}}\n@misc{c, eprint={1234567}, eprinttype={pubmed}}\n@misc{b,eprint={BB}}",
    "another id in a note": "@misc{a, eprint={AA}, note={see arXiv:CC}}\n@misc{b,eprint={BB}}",
    "two ids in a journal": "@misc{c, journal={arXiv:CC and arXiv:AA}}\n@misc{a, eprint={AA}}\n@misc{b, eprint={BB}}",
}
BIBTEX = {case: text.replace("AA", A).replace("BB", B).replace("CC", C) for case, text in BIBTEX.items()}
FORMS = {
    f"{kind}: {name}": text
    for kind, forms in {"plain": PLAIN, "table": TABLES, "JSON": JSON, "BibTeX": BIBTEX}.items()
    for name, text in forms.items()
}


def read(path: Path | str) -> tuple[list[str], list[str]]:
    """The canonical ids, and what was noted."""
    notes: list[str] = []
    return [canonical_id(one.text) or one.text for group in read_ids(str(path), notes.append) for one in group], notes


def write(folder: Path, content: str | bytes, name: str = "ids") -> Path:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("case", FORMS)
def test_every_form_gives_the_ids(tmp_path: Path, case: str, encoding: str) -> None:
    text = FORMS[case].removeprefix("\ufeff")
    assert read(write(tmp_path, text.encode(encoding)))[0] == [A, B]


@pytest.mark.parametrize("case", [one for one in FORMS if one != "BibTeX: words before"])
def test_every_form_comes_through_a_pipe_byte_by_byte(case: str) -> None:
    ours, theirs = os.pipe()

    def feed() -> None:
        for byte in FORMS[case].encode():
            os.write(theirs, bytes([byte]))
        os.close(theirs)

    writer = threading.Thread(target=feed)
    writer.start()
    assert read(f"/dev/fd/{ours}")[0] == [A, B]
    writer.join()
    os.close(ours)


@pytest.mark.parametrize("case", TABLES)
def test_what_else_stands_in_a_table_may_be_in_another_encoding(tmp_path: Path, case: str) -> None:
    content = FORMS[f"table: {case}"].encode().replace(b"T", b"\xe9").replace(b"TITL\xe9", b"TITLE")
    assert read(write(tmp_path, content))[0] == [A, B]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (TABLES["empty cells"], "1 of 3 rows have no id and are passed over"),
        (JSON["null for an id"], "1 of 3 objects have no id and are passed over"),
        (BIBTEX["other prints"], "1 of 3 entries have no arXiv id and are passed over"),
    ],
)
def test_what_is_passed_over_is_told(tmp_path: Path, text: str, note: str) -> None:
    path = write(tmp_path, text)
    assert read(path)[1] == [f"{path}: {note}"]


REFUSED = {
    "UTF-16 without a mark": (
        f"{A}\n".encode("utf-16-le"),
        ", line 1: holds a zero byte, so this is binary, or UTF-16",
    ),
    "a zero byte in the midst": (f"{A}\n\n{B}\0\n".encode(), ", line 3: holds a zero byte"),
    "a zero byte in a table": (f"id,x\n{A},\0\n".encode(), ", line 2: holds a zero byte"),
    "half of UTF-16": (f"{A}\n".encode("utf-16")[:-1], ": cut off or damaged: not UTF-16 at byte "),
    "a PDF": (b"%PDF-1.5\n\xd0\xd4\n", ": is a PDF document; give one id a line, a table with"),
    "gzip": (gzip.compress(A.encode()), ": is gzip data; unpack it first with: gunzip"),
    "a web page": (b"<!DOCTYPE html>\n<html>", ": is a web page"),
    "SQLite": (b"SQLite format 3\0\x10\0", ": is an SQLite database"),
    "noise": (bytes(range(1, 256)) * 9, ": is binary data of an unknown kind"),
    "JSON cut off": (b'[{"id": "1802.05130"},\n{"id": "18', ", line 2: not JSON: unexpected end of data"),
    "JSON lines cut off": (b'{"id": "1802.05130"}\n{"id": "18', ", line 2: not JSON: "),
    "JSON without ids": (b'{"id": "1802.05130"}\n{"title": "T"}\n', ', line 2: has no "id"; give a list of ids'),
    "a JSON object of objects": (b'{"1802.05130": {"title": "T"}}', ', item 1: has no "id"'),
    "JSON numbers": (b"[\n1802.0513\n]", ", item 1: 1802.0513 is a number, and may have lost a zero"),
    "JSON that is deep": (b'{"id":' * 900 + b"1" + b"}" * 900, ', item 1: has no "id"'),
    "JSON with a list for an id": (b'[{"id": ["1802.05130"]}]', ', item 1: has no "id"'),
    "BibTeX without ids": (b"@article{a, doi={10.1145/1}}\n@book{b}", ": none of its 2 entries has an arXiv id in"),
    "a quote that is never closed": (
        f'id,title\n{A},"T\n{B},U\n'.encode(),
        ": not a table that can be read: the row of line 2: unexpected end of data",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_list_is_refused_with_the_reason(tmp_path: Path, case: str) -> None:
    content, said = REFUSED[case]
    path = write(tmp_path, content)
    with pytest.raises(ListError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{said}")


@pytest.mark.slow
def test_lines_are_counted_across_pieces(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        path = write(tmp_path, f"{A}{end}" * 120_000 + f"last{end}")
        [last] = [group[-1] for group in read_ids(str(path), print) if group and group[-1].text == "last"]
        assert last.where == "line 120001"


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=f"{tmp_path}: Is a directory; give one id a line"):
        read(tmp_path)
    with pytest.raises(ListError, match="/none: No such file or directory; give one id a line"):
        read(tmp_path / "none")


def test_a_text_is_read_in_its_encoding(tmp_path: Path) -> None:
    assert read_text(str(write(tmp_path, "\ufeffgraphs é"))) == "graphs é"
    assert read_text(str(write(tmp_path, "graphs é".encode("utf-16")))) == "graphs é"
    with pytest.raises(ListError, match="is a PDF document; give plain text"):
        read_text(str(write(tmp_path, b"%PDF-1.5")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("idlist") / "index")


def test_a_filter_says_which_line_is_no_id(tmp_path: Path, folder: Path) -> None:
    path = write(tmp_path, f"# known\n{IDS[1]}\n\nnot an id\n{IDS[2]}\n")
    for way in (read_only_ids, read_not_ids):
        with (
            Index(folder) as index,
            pytest.raises(ListError, match=r"ids, line 4: 'not an id' is not an arXiv id; a list"),
        ):
            way(str(path), index, lambda _note: None)


def test_a_filter_says_that_a_spreadsheet_dropped_a_zero(tmp_path: Path, folder: Path) -> None:
    path = write(tmp_path, f"id;title\n{IDS[1]};T\n1802.0513;U\n")
    told = r"ids, line 3: '1802\.0513' is not an arXiv id: since 2015 .* the last zero of 1802\.05130\); a list has"
    with Index(folder) as index, pytest.raises(ListError, match=told):
        read_not_ids(str(path), index, lambda _note: None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it holds no id, so it takes nothing away"),
        ("# nothing\n", "it holds no id, so it takes nothing away"),
        ("id,title\n", "it holds no id, so it takes nothing away"),
        ("[]", "it holds no id, so it takes nothing away"),
        ("2999.99999\n2999.99998\n", r"none of its 2 ids is in \S+, so it takes nothing away"),
        (f"2999.99999\n{IDS[1]}v2\n", ""),
    ],
)
def test_a_list_that_takes_nothing_away_says_so(tmp_path: Path, folder: Path, content: str, said: str) -> None:
    notes: list[str] = []
    path = write(tmp_path, content)
    with Index(folder) as index:
        read_not_ids(str(path), index, notes.append)
        if not said:
            assert notes == []
            return
        assert [notes[0].startswith(f"{path}: "), len(notes)] == [True, 1]
        assert re.search(said, notes[0])
        if "no id" in said:
            with pytest.raises(ListError, match="holds no id, so there is nothing to choose from"):
                read_only_ids(str(path), index, notes.append)


def test_in_python_a_text_of_several_ids_is_several(folder: Path) -> None:
    with Index(folder) as index:
        both = index.similar(IDS[0], not_ids=IDS[1:3], top=100)
        for written in (f"{IDS[1]} {IDS[2]}", f"arXiv:{IDS[1]}v2,{IDS[2]}", [f"{IDS[1]}; {IDS[2]}"]):
            assert index.similar(IDS[0], not_ids=written, top=100) == both
        assert {hit.id for hit in index.similar(IDS[0], only_ids=f"{IDS[1]}\n{IDS[2]}")} == set(IDS[1:3])
        for wrong in ("A B", f"{IDS[1]} B", "", ["x"], [IDS[1], "1802"]):
            with pytest.raises(NotAnId, match="is not an arXiv id"):
                index.similar(IDS[0], not_ids=wrong)
        with pytest.raises(UnknownPaper, match=r"1 of the 1 ids to choose from are not in the index \(A B\)"):
            index.similar(IDS[0], only_ids="A B")
        assert index.similar(IDS[0], not_ids="2999.99999").hits == index.similar(IDS[0]).hits
