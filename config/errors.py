"""What a person at the command line did wrong, or what their machine lacks.

Raised anywhere below a command, shown as one line on stderr without a traceback. The line names what was
wrong and what to do about it.
"""


class UserError(Exception):
    """A mistake in what was asked for: exit 2."""

    exit_code = 2


class EnvironmentFault(UserError):
    """The request is right, the machine is not (port taken, database unreachable, no space): exit 1."""

    exit_code = 1
