"""`python -m lunacy`: the same program."""

from lunacy.cli import run

run()
