"""`python -m recuerdo.cli` is the command `recuerdo`."""

from recuerdo.cli import main

main()
