"""Files of a spool: cut off anywhere they give what was complete; changed anywhere they say so."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.spool_frames import (
    FILE_HEAD_BYTES,
    FRAME_HEAD_BYTES,
    Damaged,
    FileHead,
    Frame,
    Torn,
    file_head,
    frames,
    read_file_head,
    read_frames,
)

KEY_ID = b"12345678"
bodies = st.lists(st.binary(max_size=40), max_size=5)
firsts = st.integers(0, 2**64 - 100)


def written(first: int, several: list[bytes]) -> bytes:
    return file_head(KEY_ID, first) + frames(first, several)


def read(content: bytes, first: int) -> tuple[list[bytes], Torn | Damaged | None]:
    """Return the bodies in *content*, and what ended them."""
    head = read_file_head(content)
    if not isinstance(head, FileHead):
        return [], head
    if (head.key_id, head.first) != (KEY_ID, first):
        return [], Damaged(0)
    found: list[bytes] = []
    for each in read_frames(content, FILE_HEAD_BYTES, first):
        if not isinstance(each, Frame):
            return found, each
        found.append(each.body)
    return found, None


@given(firsts, bodies)
def test_what_was_written_is_read(first: int, several: list[bytes]) -> None:
    assert read(written(first, several), first) == (several, None)


@given(firsts, bodies, st.data())
def test_a_file_that_was_cut_off_anywhere_gives_exactly_what_is_before_the_cut(
    first: int, several: list[bytes], data: st.DataObject
) -> None:
    content = written(first, several)
    cut = data.draw(st.integers(0, len(content)))
    ends = [FILE_HEAD_BYTES]
    for body in several:
        ends.append(ends[-1] + FRAME_HEAD_BYTES + len(body))
    whole = max(sum(end <= cut for end in ends) - 1, 0)

    found, ended = read(content[:cut], first)

    assert found == several[:whole]
    assert ended == (None if cut in ends else Torn(ends[whole] if cut >= FILE_HEAD_BYTES else 0))


@given(firsts, st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.data())
def test_a_bit_that_changed_anywhere_is_noticed_and_what_is_before_it_stands(
    first: int, several: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(written(first, several))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))

    found, ended = read(bytes(content), first)

    assert isinstance(ended, Damaged)
    assert found == several[: len(found)]
    assert len(found) < len(several)
    assert ended.start <= place


@given(firsts, bodies, st.integers(1, 5000))
def test_blanks_after_a_loss_of_power_are_a_write_that_never_ended(first: int, several: list[bytes], many: int) -> None:
    content = written(first, several)

    assert read(content + bytes(many), first) == (several, Torn(len(content)))


@given(firsts, st.lists(st.binary(min_size=1, max_size=40), min_size=3, max_size=5), st.integers(0, 1))
def test_a_frame_that_was_taken_out_or_put_elsewhere_is_noticed(first: int, several: list[bytes], which: int) -> None:
    whole = [frames(first + number, [body]) for number, body in enumerate(several)]
    without = [*whole[:which], *whole[which + 1 :]]
    swapped = [*whole[:which], whole[which + 1], whole[which], *whole[which + 2 :]]

    for changed in (without, swapped):
        assert isinstance(read(file_head(KEY_ID, first) + b"".join(changed), first)[1], Damaged)
