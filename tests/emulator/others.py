"""What models make that is no picture: the smallest files that are whole, by the word that an output is told."""

from __future__ import annotations

_FILM = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x74moov\0\0\0\x6cmvhd" + bytes(12) + (
    (1000).to_bytes(4, "big") + (2500).to_bytes(4, "big") + bytes(80)
)  # fmt: skip
OTHERS: dict[str, tuple[bytes, str]] = {
    "film": (_FILM, "video/mp4"),
    "sound": (b"ID3\x04" + bytes(200), "audio/mpeg"),
    "drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "words": (b"a cat on a mat", "text/plain"),
    "shape": (b"glTF\x02" + bytes(40), "model/gltf-binary"),
    "unknown": (bytes(range(256)), "application/octet-stream"),
}
