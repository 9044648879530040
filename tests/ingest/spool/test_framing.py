"""What of a file is read after a crash at any byte, or with any bit wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.spool.framing import HEAD_BYTES, Damage, Record, Torn, framed, read

# As a vault makes them: text, and so never ending in zeros.
contents = st.lists(st.text("abcTSP1=_-", min_size=1, max_size=60).map(str.encode), max_size=8)


def records(data: bytes, start: int = 0) -> list[bytes]:
    return [each.content for each in read(data, start) if isinstance(each, Record)]


def is_loud(data: bytes) -> bool:
    return any(isinstance(each, Damage) for each in read(data))


def file_of(written: list[bytes]) -> bytes:
    return b"".join(map(framed, written))


@given(contents)
def test_what_was_written_is_read(written: list[bytes]) -> None:
    found = list(read(file_of(written)))
    assert [each.content for each in found if isinstance(each, Record)] == written
    assert len(found) == len(written)


@given(contents, st.data())
def test_reading_goes_on_where_it_ended(written: list[bytes], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(written)))
    whole = file_of(written)
    ends = [0, *(each.end for each in read(whole) if isinstance(each, Record))]
    assert records(whole, ends[count]) == written[count:]


@given(contents, st.data())
def test_of_a_torn_end_only_the_unfinished_record_is_gone(
    written: list[bytes], data: st.DataObject
) -> None:
    whole = file_of(written)
    length = data.draw(st.integers(0, len(whole)))
    cut = whole[:length]
    finished = [
        content for n, content in enumerate(written) if len(file_of(written[: n + 1])) <= length
    ]
    assert records(cut) == finished
    # Nobody was answered for the rest, so there is nothing to be loud about.
    assert not is_loud(cut)
    assert isinstance([*read(cut), None][-2:][0] if cut else None, Torn) or cut == file_of(finished)


@given(contents, st.integers(0, 5_000))
def test_an_end_of_zeros_is_torn(written: list[bytes], zeros: int) -> None:
    whole = file_of(written) + bytes(zeros)
    assert records(whole) == written
    assert not is_loud(whole)


@given(st.text("ab", min_size=30, max_size=60).map(str.encode), st.integers(8, 30))
def test_a_content_that_ends_in_zeros_and_so_does_the_file_is_torn(last: bytes, lost: int) -> None:
    # The size reached the disk before the content did.
    whole = file_of([b"first", last])
    half_written = whole[:-lost] + bytes(lost)
    assert records(half_written) == [b"first"]
    assert not is_loud(half_written)
    # In the middle of a file it is damage: what follows was flushed later.
    assert is_loud(half_written + framed(b"next"))
    assert records(half_written + framed(b"next")) == [b"first", b"next"]


@given(contents.filter(bool), st.data())
def test_a_wrong_bit_is_never_passed_over(written: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(file_of(written))
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    hit = next(n for n in range(len(written)) if bit // 8 < len(file_of(written[: n + 1])))
    found = bytes(whole)
    # All others are there, in their order, and it is said that one is not.
    assert records(found) == written[:hit] + written[hit + 1 :]
    assert is_loud(found)


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data: bytes) -> None:
    place = 0
    for each in read(data):
        if isinstance(each, Torn):
            assert each.start == place
            return
        if isinstance(each, Damage):
            assert each.start == place
        assert each.end > place
        place = each.end
    assert place == len(data)


def test_a_bit_that_makes_an_end_of_zero_is_damage() -> None:
    whole = bytearray(framed(b"a\x01"))
    whole[-1] = 0
    assert is_loud(bytes(whole))


def test_a_head_has_the_size_that_it_says() -> None:
    assert len(framed(b"x")) == HEAD_BYTES + 1
