"""Writes docs/cli.md from the commands, docs/python.md from the public names, the README's picture, and the transcript
in docs/agents.md: `make docs`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import click
from picture import picture

import lunacy
from lunacy import errors
from lunacy.cli import COMMANDS, main
from lunacy.cli.headings import GroupedCommand

_HERE = Path(__file__).parent
_SECTIONS = {  # of the public names that are no errors
    "Ask": "open_index Index Answer Hit Why Term SentencePair Paper Question Info Summary",
    "Build": "build_index BuildReport Counts Progress build_lexical LexicalReport build_ivf IvfReport "
    "build_graph GraphReport duplicates Copies build_map MapReport standings Standing Region",
    "Download and update": "download DownloadReport update UpdateReport preview_update fetch FetchReport",
    "Look after": "diff DiffReport remove RemoveReport prune PruneReport compact CompactReport verify VerifyReport "
    "repair RepairReport",
    "Publish and export": "publish PublishReport export ExportReport rebuild RebuildReport",
}
_NOTE = "<!-- Written by `make docs` from the code; change the words there. -->"


def cli() -> str:
    """The reference of the commands."""
    parts = ["# Commands", _NOTE, "How to use them is in the [user guide](guide.md).", *_of_command(main, "lunacy", 0)]
    for heading, commands in COMMANDS.items():
        parts.append(f"## {heading}")
        for command in commands:
            parts += _of_command(command, f"lunacy {command.name}", 3)
    return "\n\n".join(parts) + "\n"


def _of_command(command: click.Command, path: str, depth: int) -> Iterator[str]:
    """Title (`depth` #, none for 0), usage, help, options and example of a command, and of those within it."""
    ctx = click.Context(command, info_name=path, **main.context_settings)
    if depth:
        yield f"{'#' * depth} {path}"
    yield f"```\n{' '.join([path, *command.collect_usage_pieces(ctx)])}\n```"
    if depth:
        yield _escaped(inspect.cleandoc(command.help or ""))
    groups = command.grouped(ctx) if isinstance(command, GroupedCommand) else {"": command.get_params(ctx)}
    for heading, parameters in groups.items():
        options = [one for one in parameters if isinstance(one, click.Option) and "--help" not in one.opts]
        if options:
            lines = [f"- {_of_option(one, ctx)}" for one in options]
            yield (f"{heading}:\n\n" if heading else "") + "\n".join(lines)
    if command.epilog:
        title, _, examples = command.epilog.strip("\b\n").partition(":")
        yield f"{title}:\n\n```\n{textwrap.dedent(examples.strip(chr(10))).strip()}\n```"
    if depth and isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from _of_command(one, f"{path} {name}", depth + 1)


def _of_option(option: click.Option, ctx: click.Context) -> str:
    is_rare, option.hidden = option.hidden, False
    record = option.get_help_record(ctx)
    option.hidden = is_rare
    assert record is not None
    return f"`{record[0]}`: {_escaped(' '.join(record[1].split()))}" + (" (not in --help)" if is_rare else "")


def _escaped(text: str) -> str:
    return text.replace("*", r"\*")


def python() -> str:
    """The reference of the names in `lunacy.__all__`."""
    parts = [
        "# Python",
        _NOTE,
        "An example is in the [README](../README.md#python). Names that are not here are internal and may change.",
    ]
    for heading, names in _SECTIONS.items():
        parts.append(f"## {heading}")
        for name in names.split():
            found = getattr(lunacy, name)
            parts += [f"### lunacy.{name}", *(_of_class(found) if inspect.isclass(found) else _of_function(found))]
    named = {name for names in _SECTIONS.values() for name in names.split()}
    others = [getattr(lunacy, name) for name in lunacy.__all__ if name not in named]
    assert all(issubclass(one, errors.LunacyError) for one in others), "a public name has no place in _SECTIONS"
    parts += [
        "## Errors",
        f"```\n{_first_block(errors)}\n```",
        "### lunacy.LunacyError",
        *_of_class(lunacy.LunacyError),
    ]
    return "\n\n".join(parts) + "\n"


def _words(found: Any) -> str:
    """A docstring, with its examples as blocks of code."""
    paragraphs = inspect.cleandoc(found.__doc__ or "").split("\n\n")
    return "\n\n".join(f"```pycon\n{one}\n```" if one.startswith(">>> ") else one for one in paragraphs)


def _first_block(module: Any) -> str:
    """The part of a module's docstring behind its first line."""
    return inspect.cleandoc(module.__doc__).partition("\n\n")[2]


def _of_class(found: type) -> Iterator[str]:
    """Docstring and fields of a class, then its public methods and properties, in the order of the source."""
    yield _words(found)
    if is_dataclass(found):
        lines, node = _source(found)
        fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
        yield f"```python\n{textwrap.dedent(chr(10).join(lines[fields[0].lineno - 1 : fields[-1].end_lineno]))}\n```"
    for name, member in vars(found).items():
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            yield f"#### {found.__name__}.{name}"
            yield _words(member)
        elif inspect.isfunction(inspect.unwrap(getattr(member, "__func__", member))):
            yield f"#### {found.__name__}.{name}()"
            yield from _of_function(getattr(member, "__func__", member))


def _of_function(found: Any) -> Iterator[str]:
    """The first lines of a function, as the source has them, and its docstring."""
    lines, node = _source(found)
    yield f"```python\n{chr(10).join(lines[node.lineno - 1 : node.body[0].lineno - 1])}\n```"
    about, keywords, _listed = _words(found).partition("\n\nKeywords:\n")
    yield about + ("\n\nKeywords: those of `lunacy.Question` after `together`." if keywords else "")


def _source(found: Any) -> tuple[list[str], Any]:
    """The lines of a function or class, and its syntax tree, whose line numbers begin there."""
    source = textwrap.dedent(inspect.getsource(found))
    return source.splitlines(), ast.parse(source).body[0]


def terminal() -> str:
    """The picture of the answer that the README shows."""
    [answer] = re.findall(
        r"```console\n(\$ lunacy query .*\n(?:[^$`].*\n)+)```", (_HERE.parent / "README.md").read_text(encoding="utf-8")
    )
    return picture(answer.splitlines())


def agents() -> str:
    """What is written by hand, with a new transcript."""
    from transcript import with_transcript  # which needs the extra mcp

    return with_transcript((_HERE / "agents.md").read_text(encoding="utf-8"))


WRITTEN = {"agents.md": agents, "cli.md": cli, "python.md": python, "terminal.svg": terminal}

if __name__ == "__main__":
    for name, content in WRITTEN.items():
        (_HERE / name).write_text(content(), encoding="utf-8")
