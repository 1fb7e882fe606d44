#!/usr/bin/env python
"""Django's command line. Works before `pip install -e .` too: it adds both source roots itself."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

# Commands that need no database; the others first say what is missing.
WITHOUT_SERVICES = {
    *("bootstrap_db", "check", "compilemessages", "help", "--help", "makemessages", "makemigrations"),
    *("npc_check", "npc_prove", "npc_test"),
}


def main() -> None:
    for source_root in (ROOT / "platform", ROOT):
        if str(source_root) not in sys.path:
            sys.path.insert(0, str(source_root))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config.environment import load_or_exit

    if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_SERVICES:
        load_or_exit()

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
