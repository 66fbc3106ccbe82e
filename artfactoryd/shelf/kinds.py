"""What a file is by its own bytes when it is none of the pictures that are decoded here.

Not here: decoding (media). Nothing is refused: what nobody knows is `application/octet-stream`.
"""

from __future__ import annotations

import codecs
import os
import re
from typing import BinaryIO, Literal, NamedTuple

from artfactoryd.shelf.look.frames import behind_tags, is_stream

Type = Literal["image", "video", "audio", "other"]
HEAD = 4096  # bytes that tell
CHUNK = 1 << 20


class Kind(NamedTuple):
    mime: str
    extension: str
    type: Type


UNKNOWN = Kind("application/octet-stream", "bin", "other")
TEXT = Kind("text/plain", "txt", "other")
WEB_PAGE = Kind("text/html", "txt", "other")  # under a name that no browser opens
SVG = Kind("image/svg+xml", "svg", "image")
MP4 = Kind("video/mp4", "mp4", "video")
MP3, AAC = Kind("audio/mpeg", "mp3", "audio"), Kind("audio/aac", "aac", "audio")
STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", Kind("image/png", "png", "image")),
    (b"\xff\xd8\xff", Kind("image/jpeg", "jpg", "image")),
    (b"GIF8", Kind("image/gif", "gif", "image")),
    (b"II*\0", Kind("image/tiff", "tif", "image")),
    (b"MM\0*", Kind("image/tiff", "tif", "image")),
    (b"II+\0", Kind("image/tiff", "tif", "image")),
    (b"MM\0+", Kind("image/tiff", "tif", "image")),
    (b"8BPS", Kind("image/vnd.adobe.photoshop", "psd", "image")),
    (b"v/1\x01", Kind("image/x-exr", "exr", "image")),
    (b"#?RADIANCE", Kind("image/vnd.radiance", "hdr", "image")),
    (b"qoif", Kind("image/qoi", "qoi", "image")),
    (b"DDS ", Kind("image/vnd-ms.dds", "dds", "image")),
    (b"\0\0\x01\0", Kind("image/x-icon", "ico", "image")),
    (b"\xff\x0a", Kind("image/jxl", "jxl", "image")),
    (b"\0\0\0\x0cJXL ", Kind("image/jxl", "jxl", "image")),
    (b"\0\0\0\x0cjP  ", Kind("image/jp2", "jp2", "image")),
    *((b"\xff" + bytes([second]), AAC) for second in (0xF0, 0xF1, 0xF8, 0xF9)),
    *((b"\xff" + bytes([second]), MP3) for second in (0xE2, 0xE3, 0xF2, 0xF3, 0xFA, 0xFB)),
    (b"fLaC", Kind("audio/flac", "flac", "audio")),
    (b"MThd", Kind("audio/midi", "mid", "audio")),
    (b"#!AMR", Kind("audio/amr", "amr", "audio")),
    (b"caff", Kind("audio/x-caf", "caf", "audio")),
    (b"FLV\x01", Kind("video/x-flv", "flv", "video")),
    (b"\0\0\x01\xba", Kind("video/mpeg", "mpg", "video")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Kind("video/x-ms-wmv", "wmv", "video")),
    (b"glTF", Kind("model/gltf-binary", "glb", "other")),
    (b"Kaydara FBX Binary", Kind("application/octet-stream", "fbx", "other")),
    (b"ply\n", Kind("model/ply", "ply", "other")),
    (b"ply\r\n", Kind("model/ply", "ply", "other")),
    (b"PXR-USDC", Kind("model/vnd.usd", "usdc", "other")),
    (b"%PDF-", Kind("application/pdf", "pdf", "other")),
    (b"PK\x03\x04", Kind("application/zip", "zip", "other")),
    (b"\x1f\x8b", Kind("application/gzip", "gz", "other")),
    (b"7z\xbc\xaf\x27\x1c", Kind("application/x-7z-compressed", "7z", "other")),
    (b"\x93NUMPY", Kind("application/octet-stream", "npy", "other")),
)
RIFF = {
    b"WAVE": Kind("audio/wav", "wav", "audio"), b"AVI ": Kind("video/x-msvideo", "avi", "video"),
    b"WEBP": Kind("image/webp", "webp", "image"),
}  # fmt: skip
FORM = {b"AIFF": Kind("audio/aiff", "aiff", "audio"), b"AIFC": Kind("audio/aiff", "aiff", "audio")}
BRANDS = {  # of an ISO media file; every other one is a film
    b"avif": Kind("image/avif", "avif", "image"), b"avis": Kind("image/avif", "avif", "image"),
    b"heic": Kind("image/heic", "heic", "image"), b"heix": Kind("image/heic", "heic", "image"),
    b"mif1": Kind("image/heif", "heif", "image"), b"msf1": Kind("image/heif", "heif", "image"),
    b"M4A ": Kind("audio/mp4", "m4a", "audio"), b"M4B ": Kind("audio/mp4", "m4a", "audio"),
    b"qt  ": Kind("video/quicktime", "mov", "video"),
}  # fmt: skip
HEARD = {  # what a film is that shows nothing, by its extension
    "mp4": BRANDS[b"M4A "], "mov": BRANDS[b"M4A "], "webm": Kind("audio/webm", "weba", "audio"),
    "mkv": Kind("audio/x-matroska", "mka", "audio"),
}  # fmt: skip
SHELVED = frozenset({"image", "video", "audio"})  # of what no order made: what becomes a product
PLAYABLE = frozenset({  # by browsers
    "video/mp4", "video/webm", "video/quicktime", "video/ogg", "audio/mpeg", "audio/wav", "audio/ogg", "audio/flac",
    "audio/mp4", "audio/aac", "audio/webm",
})  # fmt: skip
BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_SVG = re.compile(
    r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE\s+svg[^>]*>\s*)?(<!--.*?-->\s*)*<svg\b", re.S | re.I
)
_PAGE = re.compile(r"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.S | re.I)


def kind_in(file: BinaryIO) -> Kind:
    """Of a file that was just opened. Tags that stand before a sound are no kind of their own."""
    begins = behind_tags(file)
    file.seek(begins)
    head = file.read(HEAD)
    known = _by_start(head) or _by_container(head) or (MP3 if begins else None)
    if known in (MP3, AAC) and not begins and not is_stream(file, begins, file.seek(0, os.SEEK_END)):
        known = None
    if known:
        return known
    return _of_text(head) if head and _is_text(file) else UNKNOWN


def _by_start(head: bytes) -> Kind | None:
    return next((kind for start, kind in STARTS if head.startswith(start)), None)


def _by_container(head: bytes) -> Kind | None:
    form = head[8:12]
    if head[:4] in (b"RIFF", b"RF64"):
        return RIFF.get(form)
    if head[:4] == b"FORM":
        return FORM.get(form)
    if head[4:8] == b"ftyp":
        return BRANDS.get(form, MP4)
    if head[4:8] in (b"moov", b"mdat", b"wide"):
        return BRANDS[b"qt  "]
    if head.startswith(b"\x1aE\xdf\xa3"):
        is_webm = b"webm" in head[:64]
        return Kind("video/webm", "webm", "video") if is_webm else Kind("video/x-matroska", "mkv", "video")
    if head.startswith(b"OggS"):
        return Kind("video/ogg", "ogv", "video") if b"theora" in head[:64] else Kind("audio/ogg", "ogg", "audio")
    return _by_numbers(head)


def _by_numbers(head: bytes) -> Kind | None:
    """Those whose start alone says little."""
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS:
        return Kind("image/bmp", "bmp", "image")
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return Kind("video/mp2t", "ts", "video")
    if head[257:262] == b"ustar":
        return Kind("application/x-tar", "tar", "other")
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 100_000_000:
        return Kind("application/octet-stream", "safetensors", "other")
    return None


def _is_text(file: BinaryIO) -> bool:
    """All of it is UTF-8 (or UTF-16 that says so), without what no text holds."""
    file.seek(0)
    start = file.read(2)
    decoder = codecs.getincrementaldecoder("utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8")()
    file.seek(0)
    try:
        while chunk := file.read(CHUNK):
            if "\0" in decoder.decode(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _of_text(head: bytes) -> Kind:
    start = head.decode("utf-8", "replace").lstrip("\ufeff")
    if _SVG.match(start):
        return SVG
    return WEB_PAGE if _PAGE.match(start) else TEXT
