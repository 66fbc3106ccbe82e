"""A body that came packed although it was asked for as it is: unpacked piece by piece, and known to be whole."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from artfactoryd.errors import AskAgain
from artfactoryd.shelf.received import PIECE

_GZIP = b"\x1f\x8b"
_OF_ZLIB = 0x08  # in the low half of the first byte; without it, deflate stands alone
_WAYS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


async def unpacked(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Raises AskAgain for what stops before its end, is damaged, or is packed in another way."""
    if encoding not in _WAYS:
        raise AskAgain(f"The output came packed as {encoding[:40]}, which it was not asked for.")
    try:
        async for plain in _unpacked(pieces, _WAYS[encoding]):
            yield plain
    except zlib.error as error:
        raise AskAgain(f"The output did not come whole ({error}).") from error


async def _unpacked(pieces: AsyncIterator[bytes], bits: int) -> AsyncIterator[bytes]:
    """Several gzip files in a row are one; what is none behind them is passed over."""
    stream, before = None, 0
    async for piece in pieces:
        while piece:
            if stream is None:
                if before and not piece.startswith(_GZIP):
                    break
                raw = bits == zlib.MAX_WBITS and piece[0] & 0x0F != _OF_ZLIB
                stream = zlib.decompressobj(-zlib.MAX_WBITS if raw else bits)
            if plain := stream.decompress(piece, PIECE):
                yield plain
            piece = stream.unconsumed_tail
            if stream.eof:
                piece, stream, before = stream.unused_data, None, before + 1
    if stream is not None or not before:
        raise AskAgain("The output did not come whole (its packing stops before its end).")
