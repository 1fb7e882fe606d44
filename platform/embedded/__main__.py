"""`python -m embedded …`: what stands behind the Makefile."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path


def services(arguments: argparse.Namespace) -> int:
    """Run PostgreSQL and Valkey until the parent ends; announce them as one line of JSON on stdout."""
    from embedded.console import Console
    from embedded.ports import random_free_port
    from embedded.services import start_services
    from embedded.supervisor import StartFailed, Stopped, Supervisor

    try:
        with Supervisor(Console(sys.stderr), dies_with_parent=True) as supervisor:
            started = start_services(
                supervisor, arguments.home, is_durable=arguments.durable, port_of=lambda _: random_free_port()
            )
            print(json.dumps(dataclasses.asdict(started)), flush=True)
            supervisor.run_until_stopped()
    except Stopped:
        return 0
    except StartFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    commands = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    actions = commands.add_subparsers(required=True)
    action = actions.add_parser("services", help=services.__doc__)
    action.add_argument("--home", type=lambda text: Path(text).absolute(), required=True)
    action.add_argument("--durable", action="store_true")
    action.set_defaults(run=services)
    return commands


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(arguments.run(arguments))
