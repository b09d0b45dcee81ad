"""Header lines in linear time, whoever sends them.

h11 0.16 reads a header line with an expression that tries every way to share blanks between the two ends of a value. A line of
16 KB of blanks that ends in a NUL takes it a second, one of 64 KB a quarter of a minute, before any token was looked at, in
the loop that serves all stations. The same expression with possessive blanks matches the same lines without trying again.
This leans on internals of h11; the version is pinned, and a test tells when they change.
"""

import re

from h11 import _abnf, _readers

HEADER_LINE = re.compile(
    rf"(?P<field_name>{_abnf.field_name}):[ \t]*+(?P<field_value>{_abnf.field_value})[ \t]*+".encode("ascii")
)


def read_in_linear_time() -> None:
    """For every connection of this process from now on."""
    _readers.header_field_re = HEADER_LINE
