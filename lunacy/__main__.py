"""`python -m lunacy`: the same program."""

from lunacy.cli import main

main()
