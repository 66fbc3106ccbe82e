"""Films, sounds and scenes, built byte by byte: small ones that are whole, and that players play."""

from __future__ import annotations

import io
import json
import struct
from functools import cache

from PIL import Image

SCALE = 1000  # units of time a second
HERTZ = 8000
MP3_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # 128 kbit/s at 44,100 Hz, silent
MP3_SECONDS = 1152 / 44100


@cache
def frame(colour: str, size: tuple[int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "JPEG", quality=60)
    return data.getvalue()


# --- films ---


def box(name: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return struct.pack(">I", len(data) + 8) + name + data


def full(name: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return box(name, struct.pack(">I", flags), *parts)


def mp4(
    seconds: float = 5.0, size: tuple[int, int] = (320, 180), colour: str = "teal", rate: int = 2, *,
    brand: bytes = b"isom", index_last: bool = True, turned: bool = False,
) -> bytes:  # fmt: skip
    """Every frame is a JPEG. Its index lies behind the frames unless it is told otherwise."""
    head, picture, count = box(b"ftyp", brand, bytes(4), brand), frame(colour, size), round(seconds * rate)
    data = box(b"mdat", picture * count)
    index = _index(seconds, size, turned, [len(picture)] * count, 0)
    begins = len(head) + 8 + (0 if index_last else len(index))
    index = _index(seconds, size, turned, [len(picture)] * count, begins)
    return head + (data + index if index_last else index + data)


def fragmented(
    seconds: float = 5.0, size: tuple[int, int] = (320, 180), colour: str = "teal", begins: float = 0.0
) -> bytes:
    """As it is streamed: no length at its beginning, one piece a second. `begins`: seconds that are in its index, after
    which the pieces do not say when they are."""
    picture, pieces = frame(colour, size), b""
    head = box(b"ftyp", b"iso5", bytes(4), b"iso5")
    if begins:
        head += box(b"mdat", picture * round(begins))
    extends = box(b"mvex", full(b"trex", struct.pack(">IIIII", 1, 1, SCALE, 0, 0)))
    head += _index(begins, size, False, [len(picture)] * round(begins), 28 if begins else 0, extends, told=False)
    for number in range(int(seconds)):
        at = None if begins else number
        length = len(_piece(at, len(picture), 0))
        pieces += _piece(at, len(picture), length + 8) + box(b"mdat", picture)
    return head + pieces


def _piece(number: int | None, length: int, where: int) -> bytes:
    """`where` its frame begins, from its own beginning on."""
    run = full(b"trun", struct.pack(">IiI", 1, where, length), flags=0x201)
    times = b"" if number is None else full(b"tfdt", struct.pack(">I", number * SCALE))
    track = box(b"traf", full(b"tfhd", struct.pack(">I", 1), flags=0x020000), times, run)
    return box(b"moof", full(b"mfhd", struct.pack(">I", (number or 0) + 1)), track)


def _index(
    seconds: float,
    size: tuple[int, int],
    turned: bool,
    lengths: list[int],
    begins: int,
    extends: bytes = b"",
    told: bool = True,
) -> bytes:
    units, count = round(seconds * SCALE), len(lengths)
    said = units if told else 0
    upright = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    matrix = struct.pack(">9i", *((0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000) if turned else upright))
    width, height = size
    entry = (
        bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    )
    entry = box(b"jpeg", entry, bytes(32), struct.pack(">Hh", 24, -1))
    table = box(
        b"stbl", full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", struct.pack(">III", 1, count, units // count) if count else bytes(4)),
        full(b"stsc", struct.pack(">IIII", 1, 1, count, 1) if count else bytes(4)),
        full(b"stsz", struct.pack(f">II{count}I", 0, count, *lengths)),
        full(b"stco", struct.pack(">II", 1, begins) if count else bytes(4)),
    )  # fmt: skip
    reference = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1)))
    media = box(
        b"mdia", full(b"mdhd", struct.pack(">IIIIHH", 0, 0, SCALE, said, 0x55C4, 0)),
        full(b"hdlr", bytes(4), b"vide", bytes(13)), box(b"minf", full(b"vmhd", bytes(8), flags=1), reference, table),
    )  # fmt: skip
    track = box(
        b"trak",
        full(b"tkhd", struct.pack(">IIIII", 0, 0, 1, 0, said), bytes(16), matrix,
             struct.pack(">II", width << 16, height << 16), flags=3),
        media,
    )  # fmt: skip
    whole = struct.pack(">IIIIIH", 0, 0, SCALE, said, 0x10000, 0x100) + bytes(10)
    whole += struct.pack(">9i", *upright) + bytes(24) + struct.pack(">I", 2)
    return box(b"moov", full(b"mvhd", whole), track, extends)


def webm(
    seconds: float = 5.0, size: tuple[int, int] = (320, 180), colour: str = "teal", *, live: bool = False
) -> bytes:
    """`live`: as it is recorded, without its length and those of its parts. Two frames a second."""

    def element(name: int, *parts: bytes, endless: bool = False) -> bytes:
        data, code = b"".join(parts), name.to_bytes((name.bit_length() + 7) // 8, "big")
        return code + (b"\x01" + b"\xff" * 7 if endless else (len(data) | 1 << 56).to_bytes(8, "big")) + data

    def whole(name: int, value: int) -> bytes:
        return element(name, value.to_bytes(4, "big"))

    head = element(0x1A45DFA3, whole(0x4286, 1), element(0x4282, b"webm"), whole(0x4287, 2), whole(0x4285, 2))
    told = [] if live else [element(0x4489, struct.pack(">d", seconds * SCALE))]
    info = element(0x1549A966, whole(0x2AD7B1, 1_000_000), *told)
    video = element(0xE0, whole(0xB0, size[0]), whole(0xBA, size[1]))
    tracks = element(0x1654AE6B, element(0xAE, whole(0xD7, 1), whole(0x73C5, 1), whole(0x83, 1),
                                         element(0x86, b"V_MJPEG"), video))  # fmt: skip
    picture = frame(colour, size)
    blocks = [
        element(0xA3, b"\x81" + struct.pack(">h", number * 500) + b"\x80", picture)
        for number in range(max(2, round(2 * seconds)))
    ]
    cluster = element(0x1F43B675, whole(0xE7, 0), *blocks, endless=live)
    return head + element(0x18538067, info, tracks, cluster, endless=live)


# --- sounds ---


def wav(seconds: float = 1.0, told: int | None = None) -> bytes:
    """`told`: the lengths that stand in its head in place of the right ones."""
    data = bytes([128]) * round(seconds * HERTZ)
    form = struct.pack("<IHHIIHH", 16, 1, 1, HERTZ, HERTZ, 1, 8)
    lengths = (36 + len(data), len(data)) if told is None else (told, told)
    return b"RIFF" + struct.pack("<I", lengths[0]) + b"WAVEfmt " + form + b"data" + struct.pack("<I", lengths[1]) + data


def aiff(seconds: float = 1.0) -> bytes:
    count = round(seconds * HERTZ)
    rate = struct.pack(">HQ", 16383 + 12, HERTZ << (63 - 12))
    chunks = b"COMM" + struct.pack(">IHIH", 18, 1, count, 8) + rate
    chunks += b"SSND" + struct.pack(">III", count + 8, 0, 0) + bytes(count)
    return b"FORM" + struct.pack(">I", len(chunks) + 4) + b"AIFF" + chunks


def mp3(seconds: float = 1.0, tag: bytes = b"") -> bytes:
    return tag + MP3_FRAME * round(seconds / MP3_SECONDS)


def aac(seconds: float = 1.0) -> bytes:
    """In frames of 20 bytes, at 44,100 Hz, that have nothing in them."""
    frame = bytes([0xFF, 0xF1, 0x50, 0x80, 20 >> 3, (20 & 7) << 5 | 0x1F, 0xFC])
    return frame.ljust(20, b"\0") * round(seconds * 44100 / 1024)


def id3(length: int = 20) -> bytes:
    return b"ID3\x04\0\0" + bytes(length >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(length)


def vbri(frames: int) -> bytes:
    """The same in another encoder's words, in a frame of 32 kbit/s."""
    head = b"\xff\xfb\x10\xc4" + bytes(32) + b"VBRI" + struct.pack(">HHHII", 1, 0, 0, 0, frames)
    return head.ljust(104, b"\0")


def xing(frames: int) -> bytes:
    """A first frame that has no sound, and says how many follow."""
    return MP3_FRAME[:36] + b"Xing" + struct.pack(">II", 1, frames) + bytes(len(MP3_FRAME) - 48)


def flac(seconds: float = 1.0, *, told: bool = True) -> bytes:
    """Of one level. `told`: whether its head says how many samples there are, as a stream's cannot."""
    count, block = round(seconds * HERTZ), 4096
    lengths = [block] * (count // block) + ([count % block] if count % block else [])
    info = (
        struct.pack(">HH", block, block)
        + bytes(6)
        + (HERTZ << 44 | 7 << 36 | (count if told else 0)).to_bytes(8, "big")
    )
    sound = b""
    for number, length in enumerate(lengths):
        head = b"\xff\xf8\x70\x02" + bytes([number]) + struct.pack(">H", length - 1)
        whole = head + _checksum(head, 0x07, 8) + bytes([0, 5])
        sound += whole + _checksum(whole, 0x8005, 16)
    return b"fLaC\x80\0\0\x22" + info + bytes(16) + sound


def _checksum(data: bytes, polynomial: int, bits: int) -> bytes:
    value = 0
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1) ^ (polynomial | 1 << bits if value >> (bits - 1) else 0)
    return value.to_bytes(bits // 8, "big")


def ogg(seconds: float = 1.0) -> bytes:
    """Opus, of which only the pages are."""

    def page(flags: int, granule: int, packet: bytes) -> bytes:
        return b"OggS\0" + struct.pack("<BQIIIB", flags, granule, 1, 0, 0, 1) + bytes([len(packet)]) + packet

    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    return page(2, 0, head) + page(0, 0, b"OpusTags" + bytes(8)) + page(4, round(seconds * 48000) + 312, bytes(40))


# --- scenes ---


def glb() -> bytes:
    scene = json.dumps({"asset": {"version": "2.0"}}).encode().ljust(32)
    parts = struct.pack("<I", len(scene)) + b"JSON" + scene
    return b"glTF" + struct.pack("<II", 2, len(parts) + 12) + parts
