"""`lunacy digest`: what is new for a reading list, and in which forms it leaves."""

from __future__ import annotations

import html.parser
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import orjson
import pytest

import lunacy
from lunacy import library, render
from lunacy.digest import Digest, Item
from lunacy.paper import Paper
from lunacy.pipeline import remove
from lunacy.query.digest import index_name, make_digests
from tests.conftest import FakeEmbedder, lines, record
from tests.test_cli import run

TOPIC = "quantum cuprate superconductor vortex pairing"


def paper(n: int, **others: Any) -> dict[str, Any]:
    """Posted in January, from 200 on in June; the first three and every other one of June are on the topic."""
    topic = TOPIC if n in (1, 2, 3) or (n >= 200 and n % 2 == 0) else f"galaxy{n} dust{n % 50} cluster{n % 30}"
    about = {"title": f"On {topic}", "abstract": f"We study {topic} with number{n}.", "authors": f"Ada Author{n}"}
    return record(f"{'2106' if n >= 200 else '2101'}.{n:05}", update_date="2021-06-30", **{**about, **others})


OLD, NEW = [paper(n) for n in range(1, 151)], [paper(n) for n in range(200, 210)]
LIST = ["2101.00001", "2101.00002", "2101.00003"]
WANTED = {f"2106.{n:05}" for n in range(200, 210, 2)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two commits: the papers of January, then those of June."""
    base = tmp_path_factory.mktemp("digest")
    for papers in (OLD, NEW):
        (base / "snapshot.jsonl").write_bytes(lines(papers))
        lunacy.build_index(base / "snapshot.jsonl", into=base / "index", embedder=FakeEmbedder())
    return base / "index"


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of lists, with one list."""
    path = tmp_path / "lists.jsonl"
    monkeypatch.setenv("LUNACY_LISTS", str(path))
    library.add("thesis", LIST)
    return path


def listed(index: Path, *options: str, code: int = 0) -> list[str]:
    """The ids of a digest."""
    found = run("digest", "--index", index, "--format", "ids", *options)
    assert found.exit_code == code, found.stderr
    return str(found.stdout).split()


def words_of(*options: object) -> str:
    """The words of a digest, however its lines are broken."""
    return " ".join(run("digest", *options).stdout.split())


def mark(index: Path, generation: int, ids: tuple[str, ...] = ()) -> None:
    with lunacy.open_index(index) as ix:
        library.mark_seen("thesis", ids, generation, index=index_name(ix))


def test_the_first_digest_lists_the_last_month_and_the_next_nothing_twice(made: Path, lists: Path) -> None:
    assert set(listed(made)) == WANTED
    again = run("digest", "--index", made)
    assert again.exit_code == 0
    assert "there is no paper that came into the index since the last digest" in again.stdout
    since = run("digest", "--index", made, "--since", "2021-06")
    assert not any(one in since.stdout for one in WANTED)
    assert lists.with_name("lists.seen.jsonl").exists()


@pytest.mark.usefixtures("lists")
def test_what_came_since_the_last_digest_is_new_whenever_it_was_posted(made: Path, tmp_path: Path) -> None:
    mark(made, 1)
    late = tmp_path / "index"
    (tmp_path / "all").write_bytes(lines(OLD[1:]))
    lunacy.build_index(tmp_path / "all", into=late, embedder=FakeEmbedder())
    mark(late, 1)
    (tmp_path / "more").write_bytes(lines([OLD[0], paper(8, title="changed")]))
    lunacy.build_index(tmp_path / "more", into=late, embedder=FakeEmbedder())
    library.remove("thesis", ["2101.00001"])  # so that it may be listed: it came, and is not on the list
    assert listed(late) == ["2101.00001"]
    assert set(listed(made)) == WANTED
    assert listed(made) == []


@pytest.mark.usefixtures("lists")
def test_a_digest_since_a_date_leaves_open_what_came_since_the_last(made: Path) -> None:
    mark(made, 1)
    assert not set(listed(made, "--since", "2021-07")) & WANTED
    assert set(listed(made)) >= WANTED


@pytest.mark.usefixtures("lists")
def test_without_marking_the_same_digest_comes_again_byte_for_byte(made: Path) -> None:
    forms = ("table", "json", "html", "md", "atom", "bibtex")
    first = [run("digest", "--index", made, "--no-mark", "--format", form).stdout for form in forms]
    assert [run("digest", "--index", made, "--no-mark", "--format", form).stdout for form in forms] == first
    assert all("2106.00200" in one for one in first)
    with lunacy.open_index(made) as ix:
        mine = library.read_lists()["thesis"]
        alone = make_digests(ix, [mine], {})
        other = library.ReadingList("other", ("2101.00001", "2101.00003"))
        assert make_digests(ix, [other, mine], {})[1:] == alone  # whatever other lists are asked for


@pytest.mark.usefixtures("lists")
def test_what_is_mine_dismissed_or_shown_is_left_out(made: Path) -> None:
    library.add("other", ["2106.00200"])
    library.dismiss("thesis", ["2106.00202"])
    mark(made, 1, ("2106.00204",))
    kept = WANTED - {"2106.00200", "2106.00202", "2106.00204"}
    assert kept <= set(listed(made, "thesis", "--no-mark")) <= {str(one["id"]) for one in NEW} - (WANTED - kept)
    mark(made, 1, tuple(WANTED | {f"2106.{n:05}" for n in range(201, 210, 2)}))
    told = words_of("thesis", "--index", made)
    assert "all 10 papers that came into the index since the last digest were listed before, or are yours" in told


@pytest.mark.usefixtures("lists")
def test_each_paper_says_which_of_mine_it_is_near_to_and_why(made: Path) -> None:
    [found] = orjson.loads(run("digest", "--index", made, "--format", "json").stdout)
    assert (found["list"], found["new"], found["up_to"]) == ("thesis", 10, "2021-06-30")
    vectors = {}
    with lunacy.open_index(made) as ix, ix.view() as view:
        for one in (*LIST, *WANTED):
            vectors[one] = view.vectors(np.array([view.rows([one])[one]]))[0]
    for one in found["papers"]:
        cosines = {mine: float(vectors[mine] @ vectors[one["id"]]) for mine in LIST}
        nearest = max(cosines, key=cosines.__getitem__)
        assert one["near"]["id"] == nearest
        assert one["near"]["cosine"] == pytest.approx(cosines[nearest], abs=1e-5)
        assert one["near"]["authors"] == []


def test_shared_words_and_authors_are_named_and_copies_folded(tmp_path: Path, lists: Path) -> None:
    filler = [record(f"2101.{n:05}", title=f"T{n}", abstract=f"filler{n}") for n in range(100, 400)]
    mine = record("2101.00001", title="On spins", abstract="Magnons in kagome magnets.", authors="Ada Lovelace")
    new = record("2106.00001", title="More", abstract="A kagome magnet has magnons.", authors="A. Lovelace, B. Bo")
    (tmp_path / "snapshot.jsonl").write_bytes(lines([*filler, mine, new, {**new, "id": "2106.00002"}]))
    lunacy.build_index(tmp_path / "snapshot.jsonl", into=tmp_path / "index", embedder=FakeEmbedder())
    library.remove("thesis", path=lists)
    library.add("spins", ["2101.00001", "2101.99999"])
    [found] = orjson.loads(run("digest", "--index", tmp_path / "index", "--format", "json").stdout)
    assert found["notes"] == ["the index lacks 1 of the 2 papers of spins"]
    [one] = found["papers"]
    assert (one["id"], one["copies"]) == ("2106.00001", ["2106.00002"])
    assert set(one["near"]["words"]) == {"kagome", "magnet", "magnons"}
    assert one["near"]["authors"] == ["A. Lovelace"]
    assert "2106.00002" not in listed(tmp_path / "index", "--since", "2021")  # the copy was shown too


@pytest.mark.usefixtures("lists")
def test_papers_that_are_not_like_the_list_are_not_listed(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [found] = orjson.loads(run("digest", "--index", made, "--format", "json", "--top", "100").stdout)
    assert {one["id"] for one in found["papers"]} == WANTED
    monkeypatch.setattr("lunacy.query.digest._TYPICAL", 1.0)
    told = words_of("--index", made, "--since", "2021-06-01")
    assert "none of the 5 papers posted since 2021-06-01 is more like thesis than 100% of papers are" in told


@pytest.mark.usefixtures("lists")
def test_an_index_that_was_made_anew_is_looked_at_as_if_for_the_first_time(made: Path) -> None:
    mark(made, 99)
    found = run("digest", "--index", made)
    assert "the index was made anew since the last digest" in found.stdout


def test_without_a_list_the_line_says_how_to_make_one(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUNACY_LISTS", str(tmp_path / "none.jsonl"))
    found = run("digest", "--index", made)
    assert found.exit_code == 2
    assert "there is no reading list; make one with: " in found.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 2, "there is no list 'nothing'; there are: thesis"),
        (["--since", "soon"], 2, "'soon' is not a date"),
        (["--mail-to", "x@y.z", "--format", "html"], 2, "--mail-to sends text and a page; leave out"),
        (["--mail-to", "nobody"], 2, "'nobody' is no mail address"),
        (["--mail-to", "a@b.c\nBcc: d@e.f"], 2, "is no mail address"),
    ],
)
@pytest.mark.usefixtures("lists")
def test_what_cannot_be_done_is_one_line_and_nothing_is_marked(
    made: Path, lists: Path, arguments: list[str], code: int, said: str
) -> None:
    found = run("digest", "--index", made, *arguments)
    assert (found.exit_code, found.stderr.count("\n")) == (code, 1)
    assert said in found.stderr
    assert not lists.with_name("lists.seen.jsonl").exists()


def test_a_list_whose_papers_the_index_lacks_is_told(made: Path, lists: Path) -> None:
    library.remove("thesis", path=lists)
    library.add("empty", ["2101.99999"])
    told = run("digest", "--index", made).stdout
    assert "the index lacks 1 of the 1 papers of empty" in told
    assert "nothing to compare with" in told
    library.add("empty", LIST)
    assert set(listed(made)) >= WANTED  # as for the first time


def test_a_removed_paper_is_no_new_one(made: Path, tmp_path: Path, lists: Path) -> None:
    shutil.copytree(made, tmp_path / "index")
    remove(tmp_path / "index", ["2106.00200"])
    assert set(listed(tmp_path / "index")) == WANTED - {"2106.00200"}
    assert lists.exists()


HOSTILE = (
    '<script>alert(1)</script> & "quoted" \x00\x08\x0b\x1b[31m ]]> \u202e \ufffe \U0001f600 $\\text{<img src=x>}$ <!--'
)


def hostile() -> list[Digest]:
    one = Paper("2101.00001", HOSTILE, HOSTILE, HOSTILE, ("cs.CL",), comments=HOSTILE)
    local = replace(one, id="local:<7>")
    item = Item(one, 3.5, local, 0.5, (HOSTILE,), (HOSTILE,), (HOSTILE,))
    return [Digest(HOSTILE, [item, replace(item, paper=local)], 2, HOSTILE, (HOSTILE,), "2021-06-30", 1)]


def test_a_hostile_title_is_text_in_a_feed_that_a_strict_parser_takes() -> None:
    feed = ElementTree.fromstring("".join(render.digests(hostile(), "atom")).encode())
    atom = {"a": "http://www.w3.org/2005/Atom"}
    assert {one.tag.partition("}")[0] for one in feed.iter()} == {"{http://www.w3.org/2005/Atom"}
    entries = feed.findall("a:entry", atom)
    assert len(entries) == 2
    for one in (feed, *entries):
        assert [len(one.findall(f"a:{name}", atom)) for name in ("id", "title", "updated")] == [1, 1, 1]
    dates = [str(one.findtext("a:updated", "", atom)) for one in (feed, *entries)]
    assert dates == [f"{day}T00:00:00Z" for day in ("2021-06-30", "2021-01-01", "1991-08-14")]
    assert all("<script>alert(1)</script>" in one.findtext("a:title", "", atom) for one in entries)
    assert all(one.findall("a:author/a:name", atom) for one in entries)
    assert len({one.findtext("a:id", "", atom) for one in entries}) == 2


class Tags(html.parser.HTMLParser):
    """The tags, attributes and comments of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


TAGS = "html head meta title style body main section h1 h2 p ol li strong a details summary"


def test_a_hostile_title_is_text_in_the_page() -> None:
    page = Tags("".join(render.digests(hostile(), "html")))
    assert page.open == page.comments == []
    assert page.tags <= set(TAGS.split())
    assert {name for name, _value in page.attributes} <= set("lang charset http-equiv content name href class".split())
    assert [value for name, value in page.attributes if name == "href"] == ["https://arxiv.org/abs/2101.00001"]
    for form in ("table", "md"):
        text = "".join(render.digests(hostile(), form))
        assert not set(text) & set("\x00\x08\x0b\x1b\u202e")
    assert "<script" not in "".join(render.digests(hostile(), "md")).replace("\\<", "")


def test_a_page_without_papers_says_why() -> None:
    empty = [Digest("thesis", (), 0, "posted since 2021", ("there is no paper posted since 2021",))]
    assert "there is no paper posted since 2021" in "".join(render.digests(empty, "html"))
    feed = ElementTree.fromstring("".join(render.digests(empty, "atom")))
    assert len(feed) == 4


@pytest.fixture
def sendmail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sendmail that keeps what it is given; the file that it writes."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sendmail").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\ncat > {tmp_path}/mail\n')
    (folder / "sendmail").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    monkeypatch.delenv("SMTP_HOST", raising=False)
    monkeypatch.setenv("SMTP_FROM", "lunacy@example.org")
    return tmp_path / "mail"


def read_mail(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.usefixtures("lists")
def test_a_digest_goes_by_mail_once(made: Path, sendmail: Path) -> None:
    found = run("digest", "--index", made, "--mail-to", "ada@example.org")
    assert (found.exit_code, found.stdout) == (0, "sent to ada@example.org: 5 new papers for thesis\n")
    message = read_mail(sendmail.read_bytes())
    assert (message["To"], message["From"]) == ("ada@example.org", "lunacy@example.org")
    plain, page = message.iter_parts()
    assert all(one in plain.get_content() and one in page.get_content() for one in WANTED)
    assert (sendmail.parent / "arguments").read_text() == "-i -t\n"
    sendmail.unlink()
    again = run("digest", "--index", made, "--mail-to", "ada@example.org")
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr.endswith("lunacy: no mail was sent, as nothing is new\n")
    assert not sendmail.exists()


def test_what_could_not_be_sent_is_not_marked(made: Path, lists: Path, sendmail: Path) -> None:
    (sendmail.parent / "bin" / "sendmail").write_text("#!/bin/sh\nexit 75\n")
    found = run("digest", "--index", made, "--mail-to", "ada@example.org")
    assert (found.exit_code, found.stderr.count("\n")) == (1, 1)
    assert "the mail was not sent" in found.stderr
    assert not lists.with_name("lists.seen.jsonl").exists()


@pytest.fixture
def smtp() -> Iterator[tuple[int, list[bytes]]]:
    """A mail server for one mail: its port, and what clients say to it."""
    said: list[bytes] = []

    def serve(server: socket.socket) -> None:
        client, _address = server.accept()
        with client, client.makefile("rb") as lines_of:
            client.sendall(b"220 here\r\n")
            is_mail = False
            for line in lines_of:
                said.append(line)
                if is_mail and line != b".\r\n":
                    continue
                is_mail = line == b"data\r\n"
                client.sendall({b"data\r\n": b"354 go on\r\n", b"QUIT\r\n": b"221 bye\r\n"}.get(line, b"250 ok\r\n"))
                if line == b"QUIT\r\n":
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield server.getsockname()[1], said
        thread.join(10)


@pytest.mark.usefixtures("lists", "sendmail")
def test_a_server_of_the_environment_is_asked_to_send(
    made: Path, smtp: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, said = smtp
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_PORT", str(port))
    found = run("digest", "--index", made, "--mail-to", "ada@example.org")
    assert found.exit_code == 0, (found.stderr, said)
    assert b"rcpt TO:<ada@example.org>\r\n" in said
    assert any(b"5 new papers for thesis" in line for line in said)
