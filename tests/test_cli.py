"""The commands, as a person or a script uses them: answers on stdout, one line of reason on stderr, exit codes."""

from __future__ import annotations

import csv
import io
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from click.testing import CliRunner, Result

from lunacy.advice import install
from lunacy.cli import main
from lunacy.cli.index import print_counts
from lunacy.errors import NoIndex
from lunacy.pipeline.counts import Counts
from lunacy.snapshot import Snapshot
from tests.conftest import DIM, FakeEmbedder, lines, record, vector_of

N = 30
IDS = [*(f"1802.{number:05}" for number in range(1, N)), "hep-th/9711200"]
RECORDS = [
    record(one, title=f"Títle {one}, {{x}}", categories="cs.CL cs.LG" if place % 3 else "math.AG", update_date=date)
    for place, (one, date) in enumerate(zip(IDS, ["2018-02-14"] * (N - 1) + ["1997-11-27"], strict=True))
]
ARRAY = np.array([vector_of(one, DIM) for one in IDS])


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without indexes, and no index from the environment."""
    monkeypatch.delenv("LUNACY_INDEX", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An index of RECORDS with the vectors ARRAY, made by the command line."""
    base = tmp_path_factory.mktemp("cli")
    (base / "snapshot.jsonl").write_bytes(lines(RECORDS))
    np.save(base / "v.npy", ARRAY)
    made = run("index", base / "snapshot.jsonl", "--into", base / "ix", "--vectors", base / "v.npy", "--model", "f/m")
    assert (made.exit_code, made.stderr) == (0, "")
    return str(base / "ix")


def run(*arguments: object, stdin: str | bytes = "") -> Result:
    """Run the program; an exception that would be a traceback fails the test."""
    return CliRunner().invoke(main, [str(one) for one in arguments], input=stdin, catch_exceptions=False)


def query(*arguments: object, stdin: str | bytes = "") -> tuple[list[Any], list[str], int]:
    """What `lunacy query` answers, one JSON object a line; the lines on stderr; the exit code."""
    result = run("query", *arguments, stdin=stdin)
    return [orjson.loads(line) for line in result.stdout.splitlines()], result.stderr.splitlines(), result.exit_code


def nearest(identifier: str, top: int = 10, *, include_self: bool = False) -> list[str]:
    scores = ARRAY.astype(np.float64) @ ARRAY[IDS.index(identifier)]
    best = [IDS[place] for place in np.argsort(-scores)]
    return [one for one in best if include_self or one != identifier][:top]


def ids_of(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What models were loaded, with their options; each is a FakeEmbedder."""
    calls: list[Any] = []

    def load(model: str, *_recorded: Any, **options: Any) -> FakeEmbedder:
        calls.append((model, options))
        return FakeEmbedder(model)

    monkeypatch.setattr("lunacy.pipeline.build_inputs.load_when_needed", load)
    monkeypatch.setattr("lunacy.embedding.load", load)
    return calls


def test_counts_are_broken_between_words_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_counts(Counts(read=1200, added=1000, unchanged=200))
    assert capsys.readouterr().out == (
        "read 1,200 = added 1,000 + updated 0 + unchanged 200\n+ older 0 + filtered 0 + quarantined 0\n"
    )


def test_index_prints_counts_that_add_up(write_snapshot: Callable[..., Path], loaded: Any) -> None:
    wrong, other = b"{\n", record("1802.00077", categories="hep-th")
    path = write_snapshot(wrong + lines([*RECORDS[:4], other, record(IDS[1], abstract="New.")]))
    options = ["--category", "cs.*", "--category", "math.AG,stat.ML", "--model", "m/x", "--batch-size", "7"]
    result = run("index", path, "--into", "ix", *options, "--device", "cpu", "--text", "abstract")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:-1] == [
        "read 7 = added 4 + updated 1 + unchanged 0 + older 0 + filtered 1 + quarantined 1",
        "1 with an id that came before (the later line wins, unless it is older)",
        "bad lines are in ix/quarantine.jsonl",
    ]
    assert result.stdout.splitlines()[-1].startswith("ix is up to date, after ")
    [(model, options)] = loaded
    assert (model, options["device"], options["batch_size"]) == ("m/x", "cpu", 7)
    made = orjson.loads(run("info", "--index", "ix", "--format", "json").stdout)
    assert (made["papers"], made["fingerprint"]["model"], made["fingerprint"]["text"]) == (4, "m/x", "abstract")


@pytest.mark.usefixtures("loaded")
def test_index_limit_stops_after_so_many_papers(write_snapshot: Callable[..., Path]) -> None:
    result = run("index", write_snapshot(RECORDS), "--into", "ix", "--limit", 3)
    assert result.stdout.startswith("read 3 = added 3 + ")


@pytest.mark.usefixtures("loaded")
def test_index_takes_several_snapshots(write_snapshot: Callable[..., Path]) -> None:
    result = run("index", write_snapshot(RECORDS[:2], "a"), write_snapshot(RECORDS[2:], "b"), "--into", "ix")
    assert (result.exit_code, result.stdout.split(" +")[0]) == (0, f"read {N} = added {N}")


@pytest.mark.usefixtures("loaded")
def test_index_strict_stops_at_the_first_bad_line(write_snapshot: Callable[..., Path]) -> None:
    result = run("index", write_snapshot(lines(RECORDS[:2]) + b"{\n" + lines(RECORDS[2:])), "--into", "ix", "--strict")
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 1)
    assert "snapshot.jsonl, line 3, byte " in result.stderr


@pytest.mark.usefixtures("loaded")
def test_index_reads_a_pipe(tmp_path: Path) -> None:
    result = run("index", "-", "--into", tmp_path / "ix", stdin=lines(RECORDS))
    assert (result.exit_code, result.stdout.split(" +")[0]) == (0, f"read {N} = added {N}")


def test_index_without_a_snapshot_indexes_the_sample(loaded: list[Any]) -> None:
    with Snapshot() as sample:
        n_lines = sum(1 for _ in sample.lines())
    result = run("index")
    assert result.stdout.startswith(f"read {n_lines:,} = added {n_lines:,} + ")
    assert result.stdout.endswith("try: lunacy query 1802.05130\n")
    assert loaded[0][0] == "sentence-transformers/all-MiniLM-L6-v2"
    answers, _errors, code = query("1802.05130", "--top", 1)
    assert (len(answers), code) == (1, 0)
    assert Path("indexes/sample/papers.db").exists()


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("before", "variable", "arguments", "said"),
    [
        ([], None, ["--into", "my ix"], ["try: lunacy query 1802.05130 --index 'my ix'"]),
        (["indexes/a"], None, [], ["try: lunacy query 1802.05130 --index indexes/sample"]),
        (["indexes/a"], "indexes/sample", [], ["try: lunacy query 1802.05130"]),
        ([], None, ["--limit", "3"], ["try: lunacy query hep-th/9108006"]),  # the first of the sample
    ],
)
def test_the_advised_query_works_from_where_the_user_stands(
    monkeypatch: pytest.MonkeyPatch, before: list[str], variable: str | None, arguments: list[str], said: list[str]
) -> None:
    for folder in before:
        run("index", "--into", folder, "--limit", 3)
    if variable:
        monkeypatch.setenv("LUNACY_INDEX", variable)
    shown = run("index", *arguments).stdout.splitlines()
    assert [line for line in shown if "try" in line] == said
    for line in said:
        program, *asked = shlex.split(line.removeprefix("try: "))
        assert (program, run(*asked).exit_code) == ("lunacy", 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["index", "a.jsonl"], 2, "--into DIR"),
        (["index", "a.jsonl", "--into", "ix"], 1, "a.jsonl: No such file or directory"),
        (["index", "--into", "ix", "--category", "cs.XYZ"], 2, "no category 'cs.XYZ'; did you mean cs."),
        (["index", "--into", "ix", "--vectors", "v.npy"], 2, "--model NAME"),
        (["index", "--into", "ix", "--vectors", "v.npy", "--model", "m"], 1, "v.npy cannot be read"),
        (["index", "--into", "ix", "--limit", "0"], 2, "--limit"),
        (["index", "--into", "ix", "--device", "tpu"], 2, "--device"),
        (["query"], 2, "give one of: ids, --text TEXT, --batch FILE"),
        (["query", "1802.05130", "--batch", "ids.txt"], 2, "leave out --batch, or the ids beside it"),
        (["query", "1802.05130", "--top", "0"], 2, "--top"),
        (["query", "1802.05130"], 2, "there is no index in indexes/"),
        (
            ["query", "1802.05130", "--index", "no/where"],
            1,
            "no/where: the folder does not exist; make one with: lunacy",
        ),
        (["query", "--batch", "ids.txt", "--index", "no/where"], 1, "no/where: the folder does not exist"),
        (["query", "--text", " ", "--index", "INDEX"], 2, "the text is empty"),
        (["query", "--batch", "ids.txt", "--index", "INDEX"], 1, "ids.txt: No such file or directory"),
        (["info", "--index", "no/where"], 1, "no/where: the folder does not exist"),
        (["verify", "--index", "no/where"], 1, "no/where: the folder does not exist"),
        (["query", "1802.99999", "--index", "INDEX"], 1, "which holds 30 papers (cs.CL, cs.LG, math.AG) up to 2018-02"),
        (["query", "attention", "--index", "INDEX"], 2, "'attention' is neither an arXiv id, such as 1802.05130"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_an_exit_code(index: str, arguments: Any, code: int, said: str) -> None:
    result = run(*(index if one == "INDEX" else one for one in arguments))
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr.splitlines()[-1]
    assert len(result.stderr.splitlines()) == 1 or result.stderr.startswith("Usage: ")  # Click's own
    assert not Path("ix").exists()


def test_debug_shows_the_traceback(index: str) -> None:
    with pytest.raises(NoIndex):
        run("--debug", "query", IDS[0], "--index", f"{index}/no/where")


def test_json_of_one_query_is_a_list_too(index: str) -> None:
    result = run("query", "https://arxiv.org/abs/1802.00002v3", "--index", index, "--format", "json", "--top", 2)
    best = IDS.index(nearest("1802.00002")[0])
    [answer] = orjson.loads(result.stdout)
    assert answer["query"] == {"ids": ["1802.00002"], "titles": ["Títle 1802.00002, {x}"], "text": None}
    assert (answer["ranking"], answer["exact"], answer["notes"]) == ("dense", True, [])
    assert ids_of(answer) == nearest("1802.00002", 2)
    assert answer["hits"][0] == {
        "rank": 1,
        "id": IDS[best],
        "score": pytest.approx(float(ARRAY[1].astype(np.float64) @ ARRAY[best]), abs=1e-6),
        "title": RECORDS[best]["title"],
        "authors": "Ada Lovelace and Alan Turing",
        "categories": RECORDS[best]["categories"].split(),
        "posted": "2018-02-01",  # as the first version is older than the id
        "updated": "2018-02-14",
        "withdrawn": False,
        "url": f"https://arxiv.org/abs/{IDS[best]}",
    }


def test_json_of_several_queries_is_a_list(index: str) -> None:
    result = run("query", IDS[0], IDS[4], "--index", index, "--format", "json")
    assert [ids_of(answer) for answer in orjson.loads(result.stdout)] == [nearest(IDS[0]), nearest(IDS[4])]


def test_piped_output_is_jsonl(index: str) -> None:
    answers, errors, code = query(IDS[0], "arXiv:hep-th/9711200v1", "--index", index)
    assert [ids_of(answer) for answer in answers] == [nearest(IDS[0]), nearest(IDS[-1])]
    assert (errors, code) == ([], 0)


def test_csv_is_a_row_a_hit_with_the_query_first(index: str) -> None:
    result = run("query", IDS[0], IDS[1], "--index", index, "--format", "csv", "--top", 3)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert result.stdout.startswith("query,rank,id,score,cosine,lexical,title,")
    assert [(row["query"], row["rank"], row["id"]) for row in rows] == [
        (one, str(rank), hit) for one in IDS[:2] for rank, hit in enumerate(nearest(one, 3), 1)
    ]
    assert rows[0]["title"] == RECORDS[IDS.index(rows[0]["id"])]["title"]


def test_ids_are_one_a_line_and_self_is_there_when_asked_for(index: str) -> None:
    result = run("query", IDS[7], "--index", index, "--format", "ids", "--include-self", "--top", 4)
    assert result.stdout.splitlines() == nearest(IDS[7], 4, include_self=True)
    assert result.stdout.splitlines()[0] == IDS[7]


def test_a_table_shows_rank_score_title_authors_and_link_in_the_width(
    index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    shown = run("query", IDS[7], "--index", index, "--format", "table", "--top", 2).stdout.splitlines()
    assert (len(shown), shown.pop()) == (6, "     ranked by vectors (dense)")
    assert shown[0] == f"{IDS[7]}  Títle {IDS[7]}, {{x}}"
    for rank, (one, line, below) in enumerate(zip(nearest(IDS[7], 2), shown[1::2], shown[2::2], strict=True), 1):
        assert line.split()[:1] + line.split()[2:4] == [str(rank), one, "Títle"]
        assert below.strip().startswith("Lovelace and Turing, 2018  ")
        assert below.endswith(f"https://arxiv.org/abs/{one}")
    monkeypatch.delenv("COLUMNS")
    narrow = run("query", IDS[7], "--index", index, "--format", "table", "--top", 2).stdout.splitlines()
    assert (len(narrow), max(map(len, narrow)) <= 80) == (8, True)


def test_several_ids_are_all_answered_and_the_worst_decides_the_exit_code(index: str) -> None:
    answers, errors, code = query(IDS[0], "1802.99999", IDS[1], "--index", index)
    assert ([one for answer in answers for one in answer["query"]["ids"]], len(errors), code) == (IDS[:2], 1, 1)
    answers, errors, code = query("nonsense", "1802.99999", IDS[1], "--index", index)
    assert ([one for answer in answers for one in answer["query"]["ids"]], len(errors), code) == (IDS[1:2], 2, 2)


BATCH = f"# my papers\n\n{IDS[3]}\n 1802.99999  # not there\r\n  {IDS[1]}v2 # good\nnonsense\n{IDS[3]}"


@pytest.mark.parametrize("source", ["ids.txt", "-"])
@pytest.mark.parametrize(("flags", "wanted"), [([], 1), (["--skip-unknown"], 0)])
def test_a_batch_is_answered_in_order_and_unknown_ids_are_told(
    index: str, source: str, flags: list[str], wanted: int
) -> None:
    Path("ids.txt").write_bytes(BATCH.encode())
    answers, errors, code = query("--batch", source, "--index", index, *flags, stdin=BATCH)
    assert [one for answer in answers for one in answer["query"]["ids"]] == [IDS[3], IDS[1], IDS[3]]
    assert [ids_of(answer) for answer in answers] == [nearest(IDS[3]), nearest(IDS[1]), nearest(IDS[3])]
    unknown, nonsense = errors
    assert unknown.startswith(f"lunacy: {index}: 1802.99999 is not in the index")
    assert nonsense.startswith("lunacy: 'nonsense' is neither an arXiv id")
    assert code == wanted


def test_many_unknown_ids_of_a_batch_are_one_line(index: str) -> None:
    newer = [f"2611.{number:05}" for number in range(1, 8)]
    advice = f"ask arXiv for the paper with --fetch, or give its abstract: lunacy query --text - --index {index}"
    ids = [IDS[0], *newer, "1802.1", IDS[1], "hepth/9108006", "No title, and no id"]
    answers, errors, code = query("--batch", "-", "--index", index, "--top", "1", stdin="\n".join(ids))
    assert ([one for answer in answers for one in answer["query"]["ids"]], code) == (IDS[:2], 1)
    assert errors == [
        f"lunacy: {index}: 7 of 12 ids are not in the index: {', '.join(newer[:5])}, ... and 2 more; {advice}",
        "lunacy: 3 of 12 ids are neither ids nor titles of one paper: 1802.1, hepth/9108006, 'No title, and no id'",
    ]
    _answers, [error], _code = query("--batch", "-", "--index", index, stdin="\n".join(newer[:3]))
    assert error.endswith(f": 3 of 3 ids are not in the index: {', '.join(newer[:3])}; {advice}")


def test_unknown_ids_among_others_can_be_skipped(index: str) -> None:
    answers, errors, code = query(IDS[1], "1802.99999", "--index", index, "--skip-unknown")
    assert ([one for answer in answers for one in answer["query"]["ids"]], len(errors), code) == ([IDS[1]], 1, 0)


@pytest.mark.parametrize("content", [b"", b"# nothing\n"])
def test_a_batch_of_nothing_is_no_failure(index: str, content: bytes) -> None:
    assert query("--batch", "-", "--index", index, stdin=content) == ([], [], 0)


def test_a_batch_file_may_begin_with_a_byte_order_mark(index: str) -> None:
    Path("ids.txt").write_text(f"{IDS[0]}\n{IDS[1]}\n", encoding="utf-8-sig")
    answers, errors, _code = query("--batch", "ids.txt", "--index", index)
    assert ([one for answer in answers for one in answer["query"]["ids"]], errors) == (IDS[:2], [])


@pytest.mark.parametrize(("flag", "stdin"), [("some\n words", ""), ("-", "some\n words")])
def test_a_text_is_asked_with_the_model_of_the_index(index: str, loaded: list[Any], flag: str, stdin: str) -> None:
    options = ["--index", index, "--model", "f/m", "--device", "cpu", "--top", 4]
    answers, errors, code = query("--text", flag, *options, stdin=stdin)
    scores = ARRAY.astype(np.float64) @ vector_of("some words")
    assert ids_of(answers[0]) == [IDS[place] for place in np.argsort(-scores)[:4]]
    assert (answers[0]["query"]["text"], errors, code) == ("some\n words", [], 0)
    [(model, options)] = loaded
    assert (model, options["device"], options["dims"]) == ("f/m", "cpu", DIM)


@pytest.mark.usefixtures("loaded")
def test_a_text_for_another_model_is_refused(index: str) -> None:
    answers, [error], code = query("--text", "words", "--index", index, "--model", "g/n")
    assert (answers, code) == ([], 1)
    assert "model: f/m in the index, g/n now" in error


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(("arguments", "stdin"), [(["--text", "\udcff"], b""), (["--text", "-"], b"caf\xe9")])
def test_a_text_that_is_not_utf8_gives_no_traceback(index: str, arguments: list[str], stdin: bytes) -> None:
    result = run("query", *arguments, "--index", index, stdin=stdin)
    assert result.exit_code in (0, 2)


def test_ids_that_are_not_utf8_are_no_ids(index: str) -> None:
    answers, errors, code = query("--batch", "-", "--index", index, stdin=f"{IDS[0]}\n".encode() + b"caf\xe9\n")
    assert ([one for answer in answers for one in answer["query"]["ids"]], len(errors), code) == (IDS[:1], 1, 1)
    assert query("\udcff", "--index", index)[2] == 2


def test_the_index_is_the_one_named_else_of_the_environment_else_the_only_one(
    index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("indexes").mkdir()
    Path("indexes/only").symlink_to(index)
    assert query(IDS[0])[2] == 0
    Path("indexes/second").symlink_to(index)
    _answers, [error], code = query(IDS[0])
    assert (code, "2 indexes (indexes/only, indexes/second)" in error) == (2, True)
    monkeypatch.setenv("LUNACY_INDEX", index)
    assert query(IDS[0])[2] == 0
    assert query(IDS[0], "--index", "elsewhere")[2] == 1


def test_info_tells_what_the_index_holds(index: str) -> None:
    told = orjson.loads(run("info", "--index", index, "--format", "json").stdout)
    assert (told["papers"], told["dead_rows"], told["segments"], told["generation"]) == (N, 0, 1, 1)
    assert told["categories"] == {"cs.CL": 20, "cs.LG": 20, "math.AG": 10}
    assert (told["first_posted"], told["last_posted"], told["last_updated"]) == (
        "1997-11-30",
        "2018-02-01",
        "2018-02-14",
    )
    assert told["posted"] == {"1997-11": 1, "2018-02": N - 1}
    assert (told["fingerprint"]["model"], told["fingerprint"]["dim"], told["arithmetic"]) == (
        "f/m",
        DIM,
        "given vectors",
    )
    assert told["size_bytes"]["segment-00000001.faiss"] == 45 + 4 * N * DIM
    shown = dict(line.split(maxsplit=1) for line in run("info", "--index", index).stdout.splitlines())
    assert (shown["papers"], shown["model"]) == ("30, 0 of them withdrawn", "f/m")
    assert (
        shown["posted"] == "1997-11-30 to 2018-02-01; of 30 papers the day is known, of 0 only the month, from the id"
    )
    assert shown["updated"] == "up to 2018-02-14; 0 papers have no date of their last change"
    assert shown["categories"] == "3: cs.CL 20, cs.LG 20, math.AG 10"


@pytest.mark.usefixtures("loaded")
def test_verify_says_that_all_is_well_or_what_is_wrong(write_snapshot: Callable[..., Path]) -> None:
    run("index", write_snapshot(RECORDS), "--into", "ix")
    well = run("verify", "--index", "ix")
    assert (well.exit_code, well.stdout, well.stderr) == (0, "ix: all is well (30 papers checked)\n", "")
    Path("ix/segment-00000001.faiss").unlink()
    wrong = run("verify", "--index", "ix")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    first, second = wrong.stderr.splitlines()
    assert first == "lunacy: ix: segment-00000001.faiss: missing"
    assert second == "lunacy: mend it with: lunacy repair --index ix"


def test_control_c_says_what_is_kept_and_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_arguments: Any, **_options: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lunacy.pipeline.build_index", stop)
    result = run("index")
    assert result.exit_code == 130
    assert result.stderr.splitlines() == [
        "lunacy: no paper is in indexes/sample yet; the same command goes on from there",
        "lunacy: stopped",
    ]


def test_an_empty_folder_name_means_no_other_folder(write_snapshot: Callable[..., Path]) -> None:
    for arguments in (["index", write_snapshot(RECORDS), "--into", ""], ["info", "--index", ""]):
        result = run(*arguments)
        assert (result.exit_code, "it is empty" in result.stderr) == (2, True)
    assert not Path("indexes").exists()


def hits_with(*options: object) -> list[str]:
    [answer], errors, code = query(IDS[0], "--index", *options)
    assert (errors, code) == ([], 0)
    return ids_of(answer)


def test_filters_leave_what_qualifies(index: str, tmp_path: Path) -> None:
    def nearest_of(kept: Callable[[int], bool]) -> list[str]:
        return [one for one in nearest(IDS[0], N) if kept(IDS.index(one))][:10]

    assert hits_with(index, "--category", "math.*") == nearest_of(lambda place: place % 3 == 0)
    assert hits_with(index, "--until", "1997") == [IDS[-1]]
    assert hits_with(index, "--since", "2018-02-01", "--top", 10) == nearest_of(lambda place: place != N - 1)
    assert hits_with(index, "--since", "2018-02-02") == []
    assert hits_with(index, "--updated-since", "2018-02-14") == nearest_of(lambda place: place != N - 1)
    assert hits_with(index, "--updated-since", "2018-02-15") == []
    assert hits_with(index, "--author", "TURING", "--author", "ada l") == nearest(IDS[0])
    (tmp_path / "ids.txt").write_text(f"arXiv:{IDS[3]}v2  # a comment\n\n{IDS[7]}\n")
    assert sorted(hits_with(index, "--only-ids", tmp_path / "ids.txt")) == [IDS[3], IDS[7]]
    assert hits_with(index, "--not-ids", tmp_path / "ids.txt", "--top", N) == [
        one for one in nearest(IDS[0], N) if one not in (IDS[3], IDS[7])
    ]


@pytest.mark.usefixtures("loaded")
def test_filters_hold_for_batches_and_texts_too(index: str, tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("\n".join(IDS))
    answers, _errors, code = query("--batch", tmp_path / "ids.txt", "--index", index, "--until", "1997", "--top", 3)
    assert (code, [ids_of(answer) for answer in answers]) == (0, [[IDS[-1]]] * (N - 1) + [[]])
    [answer], _errors, _code = query("--text", "large N", "--index", index, "--model", "f/m", "--until", "1997")
    assert ids_of(answer) == [IDS[-1]]


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (["--since", "yesterday"], "since 'yesterday' is not a date; write it like 2024-05-31, 2024-05 or 2024", 2),
        (["--since", "2024", "--until", "2023"], "since 2024 is after until 2023; swap them", 2),
        (["--category", "cs.XX"], "arXiv has no category 'cs.XX', nor has the index; did you mean", 2),
        (["--author", " "], "author ' ' has no letters; give part of a name, such as Hinton", 2),
        (["--nprobe", "4"], "nprobe is 4, which is the number of IVF lists to search; it needs ivf", 2),
        (["--ivf"], "has no IVF lists; make them with: lunacy ivf --index", 2),
        (["--only-ids", "unknown.txt"], "1 of the 2 ids to choose from are not in", 1),
        (["--not-ids", "nowhere.txt"], "nowhere.txt", 1),
    ],
)
def test_a_filter_that_cannot_be_meant_gets_one_line(
    index: str, tmp_path: Path, options: list[str], said: str, code: int
) -> None:
    (tmp_path / "unknown.txt").write_text(f"{IDS[1]}\n2999.99999\n")
    result = run("query", IDS[0], "--index", index, *options)
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (code, "", 1)
    assert said in result.stderr


@pytest.fixture
def listed(index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A copy of the index, with IVF lists."""
    monkeypatch.setattr("lunacy.embedding.load", lambda model, **_options: FakeEmbedder(model))
    shutil.copytree(index, tmp_path / "listed")
    made = run("ivf", "--index", tmp_path / "listed", "--recall", 0.9)
    assert (made.exit_code, made.stderr) == (0, "")
    assert re.search(r"papers: recall \S+ \(\S+ to \S+\) of the 10 best with nprobe \d, measured", made.stdout)
    return str(tmp_path / "listed")


def test_ivf_answers_say_their_recall_and_info_tells_it(listed: str) -> None:
    told = orjson.loads(run("info", "--index", listed, "--format", "json").stdout)["ivf"]
    nlist = told["nlist"]
    [answer], errors, code = query(IDS[0], "--index", listed, "--ivf", "--nprobe", nlist, "--top", 3)
    assert (errors, code, ids_of(answer)) == ([], 0, nearest(IDS[0], 3))
    answers, errors, code = query(IDS[0], "--index", listed, "--ivf", "--nprobe", nlist + 1)
    assert (answers, len(errors), code) == ([], 1, 2)
    assert f"nprobe is {nlist + 1}, and the index has {nlist} lists" in errors[0]
    assert told["papers"]["recall"] >= 0.9
    assert told["papers_beside"] == 0
    assert answer["exact"] or answer["recall"] >= told["papers"]["recall"]
    assert "papers: recall" in run("info", "--index", listed).stdout
    assert "verify" not in run("verify", "--index", listed).stderr


def test_exact_answers_say_so(index: str) -> None:
    [answer], _errors, _code = query(IDS[0], "--index", index)
    assert answer["exact"] is True
    assert "recall" not in answer


def test_a_recall_that_cannot_be_is_refused(index: str) -> None:
    result = run("ivf", "--index", index, "--recall", 98)
    assert result.exit_code == 2
    assert "recall is 98.0; give a share between 0 and 1, such as 0.98" in result.stderr


def test_ray_does_not_swallow_the_snapshot(write_snapshot: Callable[..., Path]) -> None:
    result = run("index", "--into", "ix", "--ray", write_snapshot(RECORDS))
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
    assert "if it is a snapshot, write it before --ray" in result.stderr
    assert not Path("ix").exists()


def test_without_ray_the_option_says_what_to_install(
    write_snapshot: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("lunacy.pipeline.on_ray")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("lunacy.pipeline.on_ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    for options in (["--ray"], ["--ray", "local"], ["--ray=10.0.0.1:6379"]):
        result = run("index", write_snapshot(RECORDS), "--into", "ix", *options)
        assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)
        assert f"is not installed; install it with: {install('ray')}" in result.stderr
    assert not Path("ix").exists()
