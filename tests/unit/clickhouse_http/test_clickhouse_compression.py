"""Encodings of bodies, and the bodies that try to be larger than they may."""

from __future__ import annotations

import gzip
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from exectrail.clickhouse_http.compression import (
    MalformedError,
    TooLargeError,
    UnknownEncodingError,
    decode_content,
    decode_frames,
    encode_content,
    encode_frames,
)

ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "lz4": lz4.frame.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_is_inflated_up_to_its_limit_and_not_past_it(name: str):
    body = bytes(range(256)) * 40

    packed = ENCODERS[name](body)

    assert decode_content(name, packed, len(body)) == body
    assert decode_content(name.upper(), packed, len(body) + 1) == body
    with pytest.raises(TooLargeError):
        decode_content(name, packed, len(body) - 1)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_bomb_is_not_inflated(name: str):
    bomb = ENCODERS[name](bytes(64 << 20))
    assert len(bomb) < 1 << 20

    with pytest.raises(TooLargeError):
        decode_content(name, bomb, 1000)


@pytest.mark.parametrize("name", ENCODERS)
def test_what_is_cut_off_or_something_else_is_malformed(name: str):
    packed = ENCODERS[name](b"some text" * 100)

    for broken in (packed[: len(packed) // 2], b"plain text", packed + b"rest"):
        with pytest.raises(MalformedError):
            decode_content(name, broken, 10_000)


def test_members_one_after_the_other_are_one_body():
    for name in ("gzip", "lz4", "zstd"):
        packed = ENCODERS[name](b"one") + ENCODERS[name](b"two")
        assert decode_content(name, packed, 6) == b"onetwo"
        with pytest.raises(TooLargeError):
            decode_content(name, packed, 5)


def test_encodings_are_undone_from_the_last():
    packed = zlib.compress(gzip.compress(b"text"))

    assert decode_content("gzip, deflate", packed, 100) == b"text"
    assert decode_content("", b"text", 4) == decode_content("identity", b"text", 4) == b"text"
    with pytest.raises(TooLargeError):
        decode_content("", b"text", 3)
    with pytest.raises(UnknownEncodingError, match="'br'"):
        decode_content("br", b"", 3)


def test_the_first_encoding_that_is_offered_is_taken():
    assert encode_content("", b"x") == encode_content("br, *", b"x") == ("", b"x")
    assert encode_content("gzip;q=0, identity", b"x") == ("", b"x")
    name, packed = encode_content("br, ZSTD;q=0.5, gzip", b"x" * 100)
    assert (name, decode_content(name, packed, 100)) == ("zstd", b"x" * 100)


@given(st.lists(st.tuples(st.binary(max_size=3000), st.sampled_from(["lz4", "zstd", "none"]))))
def test_frames_read_back(parts: list[tuple[bytes, str]]):
    whole = b"".join(data for data, _ in parts)

    packed = b"".join(encode_frames(data, method) for data, method in parts)

    assert decode_frames(packed, len(whole)) == whole
    if whole:
        with pytest.raises(TooLargeError):
            decode_frames(packed, len(whole) - 1)


def test_a_large_body_becomes_several_frames():
    body = bytes(range(256)) * 10_000

    assert decode_frames(encode_frames(body, "lz4"), len(body)) == body


@given(st.binary(max_size=60), st.integers(0), st.integers(1, 255))
def test_a_damaged_frame_is_malformed(data: bytes, place: int, change: int):
    frame = bytearray(encode_frames(data + b"!", "lz4"))
    frame[place % len(frame)] ^= change

    # A larger size than the limit is told as such before anything is read.
    with pytest.raises((MalformedError, TooLargeError)):
        decode_frames(bytes(frame), 1000)


def test_the_frame_is_the_one_that_clickhouse_makes():
    # Taken from the wire of clickhouse-go: an LZ4 block of one byte, checksum first.
    assert encode_frames(b"1", "none")[16:] == b"\x02\x0a\x00\x00\x00\x01\x00\x00\x001"
