"""What users bring: each file of `cases/` with the command, its exit code, and what it must print."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.test_cli import run

CASES = Path(__file__).parent / "cases"
INDEXES = {"good": "v8.npy", "oai": "v8.npy", "cats": "v13.npy"}  # each of the snapshot of its name, with these vectors


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cases, and an index of each of INDEXES."""
    folder = tmp_path_factory.mktemp("cases")
    shutil.copytree(CASES, folder, dirs_exist_ok=True)
    for name, vectors in INDEXES.items():
        options = ["--into", folder / name, "--vectors", folder / vectors, "--model", "m"]
        assert run("index", folder / f"{name}.jsonl", *options).exit_code == 0
    return folder


@pytest.fixture
def workplace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the command runs."""
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("LUNACY_INDEX", raising=False)
    return tmp_path / "here"


def check(command: str, code: int, out: str, err: str) -> None:
    """Run it. `out`, `err`: words that must be printed, in this order; "": nothing at all; "...": anything."""
    result = run(*shlex.split(command))
    assert result.exit_code == code, result.output
    for printed, words in ((result.stdout, out), (result.stderr, err)):
        rest = printed
        for word in words.split(" ... ") if words not in ("", "...") else []:
            _before, found, rest = rest.partition(word)
            assert found, (word, printed)
        assert words or not printed
    assert code == 0 or result.stderr.count("\n") == 1 or result.stderr.startswith("Usage: ")


ASK = "query 2101.00001 --include-self --top 20 --format ids --index"
CATEGORIES = [
    (f"{ASK} cats --category cs.QC", 0, "2101.00008\n", ""),
    (f"{ASK} cats --category cs.qc", 0, "2101.00008\n", ""),
    (f"{ASK} cats --category cs.QD", 2, "", "arXiv has no category 'cs.QD', nor has the index; did you mean cs."),
    (f"{ASK} good --category cs.QC", 2, "", "arXiv has no category 'cs.QC', nor has the index; did you mean"),
    (f"{ASK} good --category cs.AI", 0, "", "lunacy: 2101.00001: no paper passes category cs.AI"),
    ("diff cats.jsonl --index cats --category cs.QC", 0, "unchanged      1 ... filtered       12", "lists no category"),
    ("diff cats.jsonl --index cats --category cs.CLL", 2, "", "arXiv has no category 'cs.CLL'; did you mean cs.CL"),
    ("info --index cats --format json", 0, '"cs.QC": 1', ""),
    (
        "index cats.jsonl --into new --vectors v13.npy --model m --category 'cs.*'",
        0,
        "read 13 = added 7 + updated 0 + unchanged 0 + older 0 + filtered 6 + quarantined 0",
        "",
    ),
    (
        "index cats.jsonl --into new --vectors v13.npy --model m --category cs.QC",
        0,
        "added 1 + ",
        "arXiv lists no category 'cs.QC'; it is taken as a new one (near it are: ",
    ),
]
IDS = [
    ("query 2101.00003 --index oai --top 1", 0, '"ids":["2101.00003"]', ""),
    ("diff good.jsonl --index oai", 0, "new            0 ... gone           0 ... unchanged      8", ""),
    ("index good.jsonl --into oai --vectors v8.npy --model m", 0, "added 0 + updated 0 + unchanged 8", ""),
]
INDEX = "index {} --into new --vectors v8.npy --model m"
FILES = [
    *(
        (INDEX.format(name), 0, "read 8 = added 8 + ", "")
        for name in ("good.jsonl.bz2", "good.jsonl.xz", "good.tar.gz", "mac.zip", "stream31.zst")
    ),
    (INDEX.format("html.zip"), 1, "", "lunacy: html.zip: is a web page; the download may have wanted a login"),
    (
        INDEX.format("v8.npy"),
        1,
        "",
        "lunacy: v8.npy: is a NumPy array (.npy); give the snapshot itself, and this as its vectors",
    ),
    (INDEX.format("good/papers.db"), 1, "", "lunacy: good/papers.db: is an SQLite database; give a snapshot in JSON"),
    (INDEX.format("known.bib"), 1, "", "lunacy: known.bib: is not in JSON Lines: it begins with '@misc{a, eprint="),
    (INDEX.format("known16.txt"), 1, "", "lunacy: known16.txt: is text in UTF-16; turn it into UTF-8 with: iconv -f"),
    ("diff --index good", 2, "", "Missing argument 'SNAPSHOT'"),
    ("diff html.zip --index good", 1, "", "lunacy: html.zip: is a web page"),
]
LIST = "query 2101.00001 --index good --format ids --top 20"
LISTS = [
    (
        f"{LIST} --not-ids known.txt",
        0,
        "2101.0000",
        "known.txt: none of its 2 ids is in good, so it takes nothing away",
    ),
    (
        f"{LIST} --not-ids known.csv",
        0,
        "2101.0000",
        "known.csv: none of its 2 ids is in good, so it takes nothing away",
    ),
    (
        f"{LIST} --not-ids known.bib",
        0,
        "2101.0000",
        "known.bib: none of its 1 ids is in good, so it takes nothing away",
    ),
    (f"{LIST} --not-ids known16.txt", 0, "2101.0000", "known16.txt: none of its 2 ids is in good"),
    (f"{LIST} --only-ids known.bib", 1, "", "1 of the 1 ids to choose from are not in the index (1802.05121)"),
    (f"{LIST} --not-ids bare16.txt", 1, "", "bare16.txt, line 1: holds a zero byte, so this is binary, or UTF-16"),
    (f"{LIST} --not-ids html.zip", 1, "", "html.zip: is a web page"),
    (f"{LIST} --not-ids good.tar.gz", 1, "", "good.tar.gz: is gzip data; unpack it first with: gunzip"),
    (f"{LIST} --not-ids good/papers.db", 1, "", "good/papers.db: is an SQLite database; give one id a line, a table"),
    (f"{LIST} --not-ids v8.npy", 1, "", "v8.npy: is a NumPy array"),
    (f"{LIST} --not-ids good", 1, "", "good: Is a directory; give one id a line"),
    (f"{LIST} --not-ids empty.txt", 0, "2101.0000", "empty.txt: it holds no id, so it takes nothing away"),
    (f"{LIST} --only-ids empty.txt", 1, "", "empty.txt: holds no id, so there is nothing to choose from"),
    (
        f"{LIST} --not-ids prose.txt",
        1,
        "",
        "prose.txt, line 1: 'These are' is not an arXiv id; a list has one id a line",
    ),
    (f"{LIST} --not-ids good.jsonl", 0, "", "2101.00001: no paper passes the list of ids to leave out (8)"),
    (f"{LIST} --only-ids good.jsonl", 0, "2101.0000", ""),
    (f"{LIST} --not-ids - --only-ids -", 2, "", "standard input can be read only once; give - to one of"),
    ("query --batch - --not-ids - --index good", 2, "", "standard input can be read only once"),
    ("query --batch /dev/stdin --not-ids - --index good", 2, "", "standard input can be read only once"),
    ("query --text - --not-ids /dev/fd/0 --index good", 2, "", "standard input can be read only once"),
    ("query --batch good.jsonl --index good --top 1 --format csv", 0, "2101.00001,1 ... 2101.00007,1", ""),
    ("query --batch html.zip --index good", 1, "", "html.zip: is a web page"),
    ("query --batch bare16.txt --index good", 1, "", "bare16.txt, line 1: holds a zero byte"),
    (
        "query --batch known16.txt --index good --skip-unknown",
        0,
        "",
        "2 of 2 ids are not in the index: 1802.05121, 1801.06294",
    ),
]


@pytest.mark.parametrize(("command", "code", "out", "err"), [*CATEGORIES, *IDS, *FILES, *LISTS])
def test_a_case(workplace: Path, command: str, code: int, out: str, err: str) -> None:
    known = (workplace / "known16.txt").read_bytes()
    (workplace / "bare16.txt").write_bytes(known[2:])
    (workplace / "empty.txt").touch()
    (workplace / "prose.txt").write_text("These are\nthe papers that I know.\n")
    check(command, code, out, err)
    assert Path("new").exists() == (command.startswith("index") and "--into new" in command and code == 0)


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        ("cs.*", {1, 2, 7, 8, 11, 12, 13}),
        ("cs.LG", {11, 12, 13}),
        ("stat.ML", {11}),
        ("math.IT", {1, 2}),
        ("cs.IT", {1, 2}),
        ("math-ph", {3}),
        ("math.MP", {3}),
        ("q-fin.EC", {4, 5}),
        ("eess.SY", {6, 7}),
    ],
)
def test_a_pattern_finds_what_the_snapshot_has(pattern: str, hits: set[int]) -> None:
    result = run(*ASK.split(), "cats", "--category", pattern)
    assert {int(one[-2:]) for one in result.stdout.split()} == hits
