"""`python -m embedded …`: what stands behind the Makefile.

Starts with any Python that is new enough: `up` and `test` first make the virtual environment and go on in it,
so only the standard library is imported before that.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - said before newer modules are missed
    sys.exit("Troupe needs Python 3.11 or newer; choose one with `make up PYTHON=python3.12`.")

from config.environment import REPOSITORY, BadEnvironment, load
from embedded import install
from embedded.supervisor import StartFailed, Stopped


def up(arguments: argparse.Namespace) -> int:
    """Install what is missing, start everything, stay until stopped."""
    load(need_services=False)  # nonsense in the environment is told before anything is installed
    install.ensure_installed("base")
    if not Path(sys.prefix).samefile(install.VENV):
        install.run_in_venv(["-m", "embedded", *sys.argv[1:]])
    from embedded import control, stack
    from embedded.console import Console

    if arguments.detach:
        return control.up_detached(os.environ)
    stack.up(os.environ, Console())
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Stop what `up` started."""
    from embedded import control

    return control.down(os.environ)


def restart(arguments: argparse.Namespace) -> int:
    """Install what is missing, and start what `up` started anew, without a pause."""
    install.ensure_installed("base")
    from embedded import control

    return control.restart(os.environ)


def reset(arguments: argparse.Namespace) -> int:
    """Delete all data, after asking."""
    from embedded import control

    return control.reset(os.environ, is_sure=arguments.yes)


# Each process has servers of its own. Tests also wait, for pages, sockets and processes: with one process more than two
# cores these idled for 7 % of the time, with two more for 3 %.
TEST_PROCESSES = min(os.cpu_count() or 1, 4) + 2
# A file's tests share what is slow to start, so each file is run by one process, in the order that tests/conftest.py
# gives them.
ALL_TESTS = ["-n", str(TEST_PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]


def test(arguments: argparse.Namespace) -> int:
    """Install what the tests need, Chromium included, and run them: all at once on all cores, or those named."""
    from embedded.browser import ensure_browser

    ensure_browser()
    install.ensure_installed("dev")
    os.chdir(REPOSITORY)
    named = [part for part in arguments.pytest if part != "--"]
    return install.run_in_venv(["-m", "pytest", *(named or ALL_TESTS)])


def develop(arguments: argparse.Namespace) -> int:
    """Install what developers need: tests, linters, types."""
    install.ensure_installed("dev")
    return 0


def services(arguments: argparse.Namespace) -> int:
    """Run PostgreSQL and Valkey until the parent ends; announce them as one line of JSON on stdout."""
    from embedded.testing import serve

    serve(arguments.home, is_durable=arguments.durable)
    return 0


def run(arguments: argparse.Namespace) -> None:
    """Run one part alone, as containers do: web, worker or beat."""
    from embedded import stack
    from embedded.console import Console

    stack.run_part(arguments.part, os.environ, Console())


def ready(arguments: argparse.Namespace) -> int:
    """Ask the web server whether it is ready; the exit status says so."""
    from embedded import stack

    return 0 if stack.is_ready_now(os.environ) else 1


def bootstrap(arguments: argparse.Namespace) -> int:
    """Make roles, database and extensions on the server of the URL given, a superuser's."""
    from embedded.bootstrap import Logins
    from embedded.bootstrap import bootstrap as run

    environment = load()
    run(
        arguments.superuser_url,
        Logins.of_urls(
            app_url=environment.database_url,
            owner_url=environment.database_owner_url,
            system_url=environment.database_system_url,
        ),
    )
    return 0


def parser() -> argparse.ArgumentParser:
    commands = argparse.ArgumentParser(prog="python -m embedded", description=(__doc__ or "").splitlines()[0])
    actions = commands.add_subparsers(required=True, metavar="command")

    def action(run: object) -> argparse.ArgumentParser:
        name, text = getattr(run, "__name__", ""), getattr(run, "__doc__", "")
        added = actions.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    action(up).add_argument("--detach", action="store_true", help="return when it is ready")
    action(down)
    action(restart)
    action(reset).add_argument("--yes", action="store_true", help="do not ask")
    action(test).add_argument("pytest", nargs=argparse.REMAINDER, help="arguments of pytest")
    action(develop)
    of_services = action(services)
    of_services.add_argument("--home", type=lambda text: Path(text).absolute(), required=True)
    of_services.add_argument("--durable", action="store_true")
    action(run).add_argument("part", choices=["web", "worker", "beat"])
    action(ready)
    action(bootstrap).add_argument("superuser_url")
    return commands


def run_command(command: Callable[[], int | None]) -> int:
    """Run it and return the exit status; what can go wrong at a start is told in a sentence."""
    try:
        return command() or 0
    except BadEnvironment as error:
        print(f"Troupe cannot start: {error}", file=sys.stderr)
    except StartFailed as error:
        print(f"Troupe did not start: {error}", file=sys.stderr)
    except Stopped:
        return 0
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run_command(lambda: arguments.run(arguments)))
