"""``python -m nimdsl``."""

from nimdsl.commands import main

main()
