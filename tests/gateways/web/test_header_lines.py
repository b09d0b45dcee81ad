"""No stranger's header line holds up the loop."""

import re
import time

import h11
import pytest
from h11 import _abnf, _readers
from hypothesis import given
from hypothesis import strategies as st

from gateways.web.header_lines import HEADER_LINE, read_in_linear_time


@pytest.mark.parametrize(
    "line", [b"x:" + b" " * 60_000 + b"\x00", b"x: a" + b"\t" * 60_000 + b"\x0b", b"x: " + b"a " * 30_000 + b"\x00"]
)
def test_a_line_takes_no_longer_than_its_length_deserves(line: bytes) -> None:
    read_in_linear_time()
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n")
    began = time.thread_time()
    with pytest.raises(h11.RemoteProtocolError):
        connection.next_event()
    assert time.thread_time() - began < 0.5, "of the processor, whatever else this machine does"


@given(st.text(alphabet="x:a \t\x00\xff\x0b", max_size=14).map(lambda text: text.encode("latin-1")))
def test_the_same_lines_match_with_the_same_parts(line: bytes) -> None:
    theirs = _abnf.header_field.encode("ascii")
    stock, ours = re.fullmatch(theirs, line), HEADER_LINE.fullmatch(line)
    assert (stock is None) == (ours is None)
    if stock is not None and ours is not None:
        assert stock.groupdict() == ours.groupdict()


def test_the_place_where_h11_keeps_its_expression_is_still_there() -> None:
    read_in_linear_time()
    assert isinstance(_readers.header_field_re, type(HEADER_LINE))
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\nx: \t a b \t\r\n\r\n")
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    assert dict(event.headers)[b"x"] == b"a b"
