"""The help of the commands: grouped, complete, and no line of it cut."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from lunacy.cli import COMMANDS, main
from lunacy.cli.headings import GroupedCommand


def shown(*arguments: str) -> str:
    """What `lunacy ... --help` prints on a terminal of 80 columns."""
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, [*arguments, "--help"]).stdout


def test_the_help_lists_every_command_under_its_heading() -> None:
    text = shown()
    assert {command for group in COMMANDS.values() for command in group} == set(main.commands.values())
    for heading, commands in COMMANDS.items():
        lines = text.partition(f"\n{heading}:\n")[2].partition("\n\n")[0].splitlines()
        assert [line.split()[0] for line in lines] == [command.name for command in commands]


@pytest.mark.parametrize("command", [[], ["bench"]])
def test_no_line_about_a_command_is_cut_or_broken(command: list[str]) -> None:
    assert "..." not in shown(*command).partition("Options:")[2]


@pytest.mark.parametrize("command", [one for one in main.commands.values() if isinstance(one, GroupedCommand)])
def test_every_option_of_a_grouped_command_is_under_a_heading(command: GroupedCommand) -> None:
    ctx = click.Context(command, **main.context_settings)
    grouped = command.grouped(ctx)
    assert [one.opts for one in grouped["Options"]] == [["-h", "--help"]]
    assert sum(map(len, grouped.values())) == sum(isinstance(one, click.Option) for one in command.get_params(ctx))
    for heading, options in list(grouped.items())[:-1]:
        lines = shown(command.name or "").partition(f"\n{heading}:\n")[2].partition("\n\n")[0].splitlines()
        named = [line.split()[0].rstrip(",") for line in lines if line.startswith("  -")]
        assert named == [one.opts[0] for one in options if not one.hidden]


def test_a_heading_that_names_an_option_that_is_not_there_is_a_mistake() -> None:
    command = GroupedCommand("c", headings={"Output": "--top"})
    with pytest.raises(KeyError, match="--top"):
        command.grouped(click.Context(command))
