"""Bytes on the wire: HTTP content encodings, and the frames of ClickHouse's own compression.

Every way in has a limit, so a small body cannot become a large one: nothing is inflated past it.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import lz4.block
import lz4.frame
import zstandard
from clickhouse_cityhash.cityhash import CityHash128

_CHUNK: Final = 1 << 20
_SMALL: Final = 1 << 10
_PIECE: Final = 1 << 16
_MOST_ENCODINGS: Final = 3
"""Encodings over each other; each may inflate to the limit."""
_MOST_MEMBERS: Final = 10_000
"""Members or frames of a body, one after the other; each costs time, however small."""
_WINDOW: Final = 1 << 23
"""Bytes that a zstd stream may ask us to keep: what RFC 8878 asks of every decoder."""
# ClickHouse's compressed block (src/Compression/CompressedWriteBuffer.cpp): 16 bytes of CityHash128
# over the rest (high word first), 1 byte method, 4 bytes size with this header, 4 bytes plain size.
_CHECKSUM: Final = struct.Struct("<QQ")
_HEADER: Final = struct.Struct("<BII")
_LZ4: Final = 0x82
_ZSTD: Final = 0x90
_NONE: Final = 0x02
_MASK: Final = (1 << 64) - 1


class TooLargeError(Exception):
    """What a body inflates to is over the limit."""


class MalformedError(Exception):
    """A body is not what its encoding says."""


class UnknownEncodingError(Exception):
    """A content encoding that is not offered."""


def decode_content(encoding: str, body: bytes, limit: int) -> bytes:
    """Undo a Content-Encoding.

    Args:
        encoding: Value of the header; empty or `identity` for none, several with commas.
        body: The body as it came.
        limit: Most bytes that may come out.

    Raises:
        TooLargeError: More than `limit` would come out.
        MalformedError: The body is cut off or is not so encoded.
        UnknownEncodingError: Not one of gzip, deflate, lz4, zstd.
    """
    # The encoding named last was applied last.
    names = [part.strip().lower() for part in reversed(encoding.split(","))]
    names = [name for name in names if name not in ("", "identity")]
    if len(names) > _MOST_ENCODINGS:
        raise UnknownEncodingError(
            f"A Content-Encoding of {len(names)} is not offered; send {_MOST_ENCODINGS} at most"
        )
    for name in names:
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise UnknownEncodingError(
                f"Content-Encoding {name[:40]!r} is not offered; send gzip, deflate, lz4 or zstd"
            )
        try:
            body = decoder(body, limit)
        except (zlib.error, RuntimeError, EOFError, zstandard.ZstdError) as error:
            raise MalformedError(f"the body is not {name}: {error}") from error
    if len(body) > limit:
        raise TooLargeError(f"the body has more than {limit} bytes")
    return body


def encode_content(accepted: str, body: bytes) -> tuple[str, bytes]:
    """Apply the first encoding that the client accepts and we offer.

    Args:
        accepted: Value of Accept-Encoding.
        body: The body.

    Returns:
        The name of the encoding (empty for none) and the body.
    """
    for part in accepted.split(","):
        name, _, parameters = part.strip().lower().partition(";")
        encoder = _ENCODERS.get(name.strip())
        if encoder is not None and parameters.replace(" ", "") not in ("q=0", "q=0.0"):
            return name.strip(), encoder(body)
    return "", body


def decode_frames(body: bytes, limit: int) -> bytes:
    """Undo ClickHouse's own compression (`decompress=1`).

    Raises:
        TooLargeError: More than `limit` would come out.
        MalformedError: A frame is cut off, damaged, or of a method that is not offered.
    """
    return b"".join(_frames(memoryview(body), limit))


def encode_frames(body: bytes, method: str) -> bytes:
    """Apply ClickHouse's own compression (`compress=1`).

    Args:
        body: The body.
        method: `lz4`, `zstd` or `none`.
    """
    frames: list[bytes] = []
    compressor = zstandard.ZstdCompressor(level=1)
    for start in range(0, len(body), _CHUNK):
        chunk = body[start : start + _CHUNK]
        if method == "zstd":
            number, packed = _ZSTD, compressor.compress(chunk)
        elif method == "none":
            number, packed = _NONE, chunk
        else:
            number, packed = _LZ4, lz4.block.compress(chunk, store_size=False)
        frame = _HEADER.pack(number, len(packed) + _HEADER.size, len(chunk)) + packed
        frames.append(_checksum(frame) + frame)
    return b"".join(frames)


def _frames(body: memoryview, limit: int) -> Iterator[bytes]:
    place = 0
    while place < len(body):
        start = place + _CHECKSUM.size
        if start + _HEADER.size > len(body):
            raise MalformedError("a compressed block is cut off")
        method, size, plain = _HEADER.unpack_from(body, start)
        place = start + size
        if size < _HEADER.size or place > len(body):
            raise MalformedError("a compressed block is cut off")
        limit -= plain
        if limit < 0:
            raise TooLargeError("the blocks hold more than the limit")
        frame = bytes(body[start:place])
        if _checksum(frame) != bytes(body[start - _CHECKSUM.size : start]):
            raise MalformedError("a compressed block has another checksum than it says")
        yield _block(method, frame[_HEADER.size :], plain)


def _block(method: int, packed: bytes, plain: int) -> bytes:
    try:
        if method == _LZ4:
            data = lz4.block.decompress(packed, uncompressed_size=plain)
        elif method == _ZSTD:
            # Where the frame says how much it holds, the decoder makes room for that at once.
            if zstandard.frame_content_size(packed) > plain:
                raise MalformedError("a compressed block has another size than it says")
            data = zstandard.ZstdDecompressor().decompress(packed, max_output_size=plain)
        elif method == _NONE:
            data = packed
        else:
            raise MalformedError(
                f"compression method {method:#04x} is not offered; use LZ4 or ZSTD"
            )
    except (lz4.block.LZ4BlockError, zstandard.ZstdError) as error:
        raise MalformedError(f"a compressed block cannot be read: {error}") from error
    if len(data) != plain:
        raise MalformedError("a compressed block has another size than it says")
    return data


def _checksum(frame: bytes) -> bytes:
    value = CityHash128(frame)
    return _CHECKSUM.pack(value >> 64, value & _MASK)


def _inflate(window: int) -> Callable[[bytes, int], bytes]:
    def decode(body: bytes, limit: int) -> bytes:
        return _members(lambda: zlib.decompressobj(window), body, limit)

    return decode


def _lz4_frame(body: bytes, limit: int) -> bytes:
    return _members(lz4.frame.LZ4FrameDecompressor, body, limit)


def _members(make: Callable[[], Any], body: bytes, limit: int) -> bytes:
    """All members of a body, one after the other, as gzip and LZ4 frames may come.

    Fed in pieces, because what follows a member is copied when it ends.
    """
    out: list[bytes] = []
    size, place, members = 0, 0, 0
    decoder: Any = None
    while place < len(body):
        if decoder is None:
            members = _one_more(members)
            decoder = make()
        piece = body[place : place + _PIECE]
        data = decoder.decompress(piece, limit - size + 1)
        place += len(piece)
        size += len(data)
        out.append(data)
        if size > limit:
            raise TooLargeError(f"the body inflates to more than {limit} bytes")
        if decoder.eof:
            place -= len(decoder.unused_data or b"")
            decoder = None
    if decoder is not None:
        raise EOFError("it is cut off")
    return b"".join(out)


def _one_more(members: int) -> int:
    if members == _MOST_MEMBERS:
        raise EOFError(f"it has more than {_MOST_MEMBERS} members")
    return members + 1


def _zstd(body: bytes, limit: int) -> bytes:
    """All frames of a body.

    Fed in small pieces, because this decoder has no limit of its own, and the one that has takes a
    body that is cut off for a whole one. A piece becomes 32 MiB at most.
    """
    out: list[bytes] = []
    size = 0
    members = 1
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    rest = memoryview(body)
    while rest:
        data = decoder.decompress(rest[:_SMALL])
        rest = rest[_SMALL:]
        size += len(data)
        out.append(data)
        if size > limit:
            raise TooLargeError(f"the body inflates to more than {limit} bytes")
        if decoder.eof:
            unused = len(decoder.unused_data)
            rest = memoryview(body)[len(body) - len(rest) - unused :]
            if rest:
                members = _one_more(members)
                decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    if body and not decoder.eof:
        raise EOFError("it is cut off")
    return b"".join(out)


_DECODERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _inflate(31),
    "x-gzip": _inflate(31),
    "deflate": _inflate(15),
    "lz4": _lz4_frame,
    "zstd": _zstd,
}
_ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda body: gzip.compress(body, 1),
    "deflate": lambda body: zlib.compress(body, 1),
    "lz4": lz4.frame.compress,
    "zstd": zstandard.ZstdCompressor(level=1).compress,
}
