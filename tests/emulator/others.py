"""What models make that is no picture: the smallest files that are whole, by the word that an output is told."""

from __future__ import annotations

from tests import films

OTHERS: dict[str, tuple[bytes, str]] = {
    "film": (films.mp4(2.5), "video/mp4"),
    "sound": (films.mp3(1, films.id3()), "audio/mpeg"),
    "drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "words": (b"a cat on a mat", "text/plain"),
    "shape": (films.glb(), "model/gltf-binary"),
    "unknown": (bytes(range(256)), "application/octet-stream"),
}
