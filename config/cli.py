"""The `csms` command: one app, its groups, and what happens to mistakes.

Exit 0: done; 1: it was understood, but something is wrong (with the machine, or with what was examined); 2: what was asked for is
wrong. A person's mistake is one line on stderr that names the remedy; a traceback is a bug of ours.
"""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import cyclopts

from config import cli_admin, cli_node, cli_station, cli_top
from config.errors import UserError


def _version() -> str:
    try:
        return version("voltroupe")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+checkout"


app = cyclopts.App(
    name="csms",
    help="A charging station management system on supervised, durable actors.",
    help_epilogue=(
        "Examples:\n\n"
        "    csms demo --for 30s                                     see a fleet charge, then a summary\n\n"
        "    csms up --data ./data                                   run a node with its own PostgreSQL\n\n"
        "    csms tenant create acme --currency EUR --country DE     provision a brand\n\n"
        "Settings come from a TOML file (--config, CSMS_CONFIG) and from `CSMS_<SECTION>__<KEY>`."
    ),
    help_format="markdown",
    version=_version,
    default_parameter=cyclopts.Parameter(negative=""),
)
cli_node.register(app)
cli_admin.register(app)
cli_station.register(app)
cli_top.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the distribution."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code of one command line."""
    try:
        result = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
        return result if isinstance(result, int) else 0
    except cyclopts.CycloptsError as error:
        return _complain(f"{error} (see csms --help)".replace("\n", " "), 2)
    except UserError as error:
        return _complain(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone: `csms audit | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseExceptionGroup as group:
        mistakes, others = group.split(UserError)
        if others is not None or mistakes is None:
            raise
        first = _leaf(mistakes)
        return _complain(str(first), first.exit_code if isinstance(first, UserError) else 1)


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _complain(line: str, code: int) -> int:
    print(f"csms: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
