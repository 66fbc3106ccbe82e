"""Outputs over real HTTP, from a small host that misbehaves on demand."""

from __future__ import annotations

import asyncio
import base64
import errno
import gzip
import hashlib
import os
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from artfactoryd import durable
from artfactoryd.errors import AskAgain, OutputBad, OutputLost, OutputTooLarge, StorageFaulty, StorageFull
from artfactoryd.shelf import fetch as fetch_module
from artfactoryd.shelf.fetch import Fetcher, public
from artfactoryd.shelf.received import PIECE, Fetched

BODY = bytes(range(256)) * 4000  # about 1 MB: several chunks
MOST = 2**21
HERE = frozenset({"127.0.0.1"})
LOCALHOST = "localhost"


class Host:
    """What was asked of it, and one handler that a test puts in."""

    def __init__(self) -> None:
        self.base = ""
        self.asked: list[web.Request] = []
        self.answer: Callable[[web.Request], Any] = lambda request: web.Response(body=BODY, content_type="image/png")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        answer = self.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[no-any-return]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    app = web.Application()
    app.router.add_get("/{tail:.*}", host.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield host
    await runner.cleanup()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
async def fetcher(work: Path) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(work, stall=5.0)
    yield fetcher
    await fetcher.close()


@pytest.fixture
def target(work: Path) -> Path:
    return work / "1.part"


async def fetch(fetcher: Fetcher, address: str, target: Path, most: int = MOST) -> Fetched:
    return await fetcher.fetch(address, target, most_bytes=most, allowed_hosts=HERE)


async def test_a_whole_output_is_on_disk_with_its_hash(host: Host, fetcher: Fetcher, target: Path) -> None:
    got = await fetch(fetcher, f"{host.base}/a.png", target)
    assert got == Fetched(target, hashlib.sha256(BODY).hexdigest(), len(BODY), "image/png")
    assert target.read_bytes() == BODY


async def test_no_credential_leaves_whatever_the_address_or_the_home_holds(
    host: Host, fetcher: Fetcher, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://me:secret@127.0.0.1:9")

    def set_cookie(request: web.Request) -> web.Response:
        answer = web.Response(body=BODY)
        answer.set_cookie("session", "secret")
        return answer

    host.answer = set_cookie
    for _ in range(2):
        await fetch(fetcher, host.base.replace("//", "//me:secret@") + "/a.png", target)
    sent = [name.lower() for request in host.asked for name in request.headers]
    assert len(host.asked) == 2 and not {"authorization", "proxy-authorization", "cookie"} & set(sent)


async def test_a_signed_address_arrives_letter_for_letter(host: Host, fetcher: Fetcher, target: Path) -> None:
    path = "/a%2Fb%7E.png?sig=a%2Bb%3D&x=%c3%bc+y"
    await fetch(fetcher, host.base + path, target)
    assert host.asked[0].raw_path == path


STATUSES: list[tuple[int, type[Exception]]] = [
    (400, OutputLost),
    (401, OutputLost),
    (403, OutputLost),
    (404, OutputLost),
    (410, OutputLost),
    (408, AskAgain),
    (425, AskAgain),
    (429, AskAgain),
    (500, AskAgain),
    (502, AskAgain),
    (503, AskAgain),
    (204, AskAgain),
    (206, AskAgain),
    (304, AskAgain),
    (302, AskAgain),  # without a Location
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_each_answer_is_told_apart_and_leaves_nothing_behind(
    host: Host, fetcher: Fetcher, target: Path, status: int, kind: type[Exception]
) -> None:
    host.answer = lambda request: web.Response(status=status, headers={"Retry-After": "3"})
    with pytest.raises(kind) as caught:
        await fetch(fetcher, f"{host.base}/a.png?signature=secret", target)
    assert "secret" not in str(caught.value) and not target.exists()
    if status in (429, 503):
        assert getattr(caught.value, "after", None) == 3


async def test_a_body_cut_short_is_asked_for_again_and_comes_whole(host: Host, fetcher: Fetcher, target: Path) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = len(BODY)
        await answer.prepare(request)
        await answer.write(BODY[:-1])
        assert request.transport is not None
        request.transport.close()
        return answer

    whole, host.answer = host.answer, cut
    with pytest.raises(AskAgain):
        await fetch(fetcher, f"{host.base}/a.png", target)
    assert not target.exists()
    host.answer = whole
    assert (await fetch(fetcher, f"{host.base}/a.png", target)).bytes == len(BODY)


async def test_a_body_whose_end_comes_with_its_beginning_is_not_waited_for(fetcher: Fetcher, target: Path) -> None:
    """Cut short in the same moment: whoever waits for the rest then is told of no end any more."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        writer.close()

    async with await asyncio.start_server(cut, "127.0.0.1") as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.png"
        with pytest.raises(AskAgain):
            async with asyncio.timeout(30):
                await fetch(fetcher, address, target)


@pytest.mark.parametrize("length", [None, 1000])
@pytest.mark.parametrize(("pause", "patience"), [(30.0, {"stall": 0.2}), (0.02, {"stall": 20.0, "total": 0.3})])
async def test_a_stalled_and_a_dripping_body_are_given_up(
    host: Host, work: Path, target: Path, pause: float, patience: dict[str, float], length: int | None
) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = length
        await answer.prepare(request)
        while request.transport is not None:
            await answer.write(b"x")
            await asyncio.sleep(pause)
        return answer

    host.answer = drip
    fetcher = Fetcher(work, **patience)
    with pytest.raises(AskAgain):
        await fetch(fetcher, f"{host.base}/a.png", target)
    await fetcher.close()
    assert not target.exists()


async def test_a_host_that_is_not_there_is_asked_again(fetcher: Fetcher, target: Path, unused_tcp_port: int) -> None:
    with pytest.raises(AskAgain):
        await fetch(fetcher, f"http://127.0.0.1:{unused_tcp_port}/a.png", target)


@pytest.mark.parametrize("announced", [True, False])
async def test_too_large_is_refused_with_and_without_a_length(
    host: Host, fetcher: Fetcher, target: Path, announced: bool
) -> None:
    async def large(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        if announced:
            answer.content_length = len(BODY)
        await answer.prepare(request)
        await answer.write(BODY)
        return answer

    host.answer = large
    with pytest.raises(OutputTooLarge, match=r"product_bytes"):
        await fetch(fetcher, f"{host.base}/a.png", target, most=len(BODY) - 1)
    assert not target.exists()
    assert (await fetch(fetcher, f"{host.base}/a.png", target, most=len(BODY))).bytes == len(BODY)


async def test_what_is_announced_as_too_large_is_not_waited_for(host: Host, fetcher: Fetcher, target: Path) -> None:
    async def announce(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.content_length = MOST + 1
        await answer.prepare(request)
        await asyncio.sleep(30)
        return answer

    host.answer = announce
    with pytest.raises(OutputTooLarge, match=r"product_bytes"):
        await fetch(fetcher, f"{host.base}/a.png", target)


async def test_a_packed_body_counts_by_its_unpacked_size(host: Host, fetcher: Fetcher, target: Path) -> None:
    bomb = zlib.compress(bytes(MOST * 8))
    host.answer = lambda request: web.Response(body=bomb, headers={"Content-Encoding": "deflate"})
    with pytest.raises(OutputTooLarge, match=r"product_bytes"):
        await fetch(fetcher, f"{host.base}/a.png", target)


RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PACKED = {  # the encoding, and the body
    "gzip": ("gzip", gzip.compress(BODY)), "zlib": ("deflate", zlib.compress(BODY)),
    "deflate alone": ("deflate", RAW.compress(BODY) + RAW.flush()),
    "two files": ("gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
    "and zeros": ("x-gzip", gzip.compress(BODY) + bytes(9)),
}  # fmt: skip


@pytest.mark.parametrize("sort", PACKED)
async def test_what_comes_packed_is_unpacked(host: Host, fetcher: Fetcher, target: Path, sort: str) -> None:
    encoding, body = PACKED[sort]
    host.answer = lambda request: web.Response(body=body, headers={"Content-Encoding": encoding})
    await fetch(fetcher, f"{host.base}/a.bin", target)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize(("sort", "cut"), [("gzip", 12), ("gzip", 4), ("gzip", 1), ("zlib", 2), ("deflate alone", 1),
                                           ("two files", 9)])  # fmt: skip
async def test_what_is_packed_and_cut_short_is_asked_for_again(
    host: Host, fetcher: Fetcher, target: Path, sort: str, cut: int
) -> None:
    """Its length agrees with what was announced: only the packing tells."""
    encoding, body = PACKED[sort]
    host.answer = lambda request: web.Response(body=body[:-cut], headers={"Content-Encoding": encoding})
    with pytest.raises(AskAgain, match="did not come whole"):
        await fetch(fetcher, f"{host.base}/a.bin", target)
    assert not target.exists()


@pytest.mark.parametrize(("encoding", "body"), [("br", BODY), ("gzip", BODY), ("gzip", b"")])
async def test_what_is_packed_in_another_way_is_asked_for_again(
    host: Host, fetcher: Fetcher, target: Path, encoding: str, body: bytes
) -> None:
    host.answer = lambda request: web.Response(body=body, headers={"Content-Encoding": encoding})
    with pytest.raises(AskAgain, match="The output"):
        await fetch(fetcher, f"{host.base}/a.bin", target)


async def test_an_empty_body_is_no_output(host: Host, fetcher: Fetcher, target: Path) -> None:
    host.answer = lambda request: web.Response(body=b"")
    with pytest.raises(OutputBad, match="empty"):
        await fetch(fetcher, f"{host.base}/a.png", target)
    assert not target.exists()


# Redirects.


def moved(to: str) -> web.Response:
    return web.Response(status=302, headers={"Location": to})


async def test_redirects_are_followed_at_most_five_times(host: Host, fetcher: Fetcher, target: Path) -> None:
    def count_down(request: web.Request) -> web.Response:
        left = int(request.path.strip("/"))
        return moved(f"/{left - 1}") if left else web.Response(body=BODY)

    host.answer = count_down
    assert (await fetch(fetcher, f"{host.base}/5", target)).bytes == len(BODY)
    with pytest.raises(AskAgain, match="more than 5"):
        await fetch(fetcher, f"{host.base}/6", target)


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.2/x", "https://127.0.0.2/x", "https://[::1]/x", "https://169.254.169.254/latest",
        "https://10.0.0.1/", "file:///etc/passwd", "data:,x", "ftp://127.0.0.1/x", "http://[oops", "//127.0.0.2/x",
    ],
)  # fmt: skip
async def test_a_redirect_leads_nowhere_an_address_may_not(host: Host, fetcher: Fetcher, target: Path, to: str) -> None:
    host.answer = lambda request: moved(to)
    with pytest.raises(OutputBad):
        await fetch(fetcher, f"{host.base}/a.png", target)
    assert not target.exists()


# Where nothing is fetched from.

INSIDE = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:0a00:0001::",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


def test_addresses_of_this_machine_and_its_network_are_known() -> None:
    assert [address for address in INSIDE if public(address)] == []
    assert [address for address in OUTSIDE if not public(address)] == []


ADDRESSES = [
    "https://127.0.0.1/x", "https://[::1]/x", "https://[::ffff:127.0.0.1]/x", "https://10.0.0.1/x", "https://127.1/x",
    "https://2130706433/x", "https://0x7f000001/x", "https://0/x", "https:///x", "https://[fe80::1%25lo]/x",
    "http://example.com/x", "ftp://example.com/x", "example.com/x", "", "https://a:b/x", "HTTPS://LOCALHOST/x",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
async def test_private_and_odd_addresses_are_refused(fetcher: Fetcher, target: Path, address: str) -> None:
    with pytest.raises(OutputBad):
        await fetcher.fetch(address, target, most_bytes=MOST)
    assert not target.exists()


async def test_a_name_that_stands_for_a_private_address_is_refused_unless_it_is_ours(
    host: Host, fetcher: Fetcher, target: Path
) -> None:
    address = str(URL(host.base).with_host(LOCALHOST).with_path("/a.png"))
    with pytest.raises(OutputBad, match="localhost is"):
        await fetcher.fetch(address.replace("http:", "https:"), target, most_bytes=MOST)
    await fetcher.fetch(address, target, most_bytes=MOST, allowed_hosts=frozenset({LOCALHOST}))
    with pytest.raises(OutputBad):  # and the connection that was opened then serves nobody else
        await fetcher.fetch(address, target, most_bytes=MOST)
    assert len(host.asked) == 1


# Without a network.


async def test_a_data_address_holds_its_output(fetcher: Fetcher, target: Path) -> None:
    packed = base64.b64encode(BODY).decode()
    got = await fetch(fetcher, f"data:image/png;base64,{packed}", target)
    assert (got.bytes, got.mime_declared, target.read_bytes()) == (len(BODY), "image/png", BODY)
    assert (await fetch(fetcher, "data:,a%20b", target)).mime_declared is None
    assert target.read_bytes() == b"a b"


@pytest.mark.parametrize("address", ["data:", "data:image/png;base64", "data:,"])
async def test_a_data_address_that_holds_nothing_is_refused(fetcher: Fetcher, target: Path, address: str) -> None:
    with pytest.raises(OutputBad):
        await fetch(fetcher, address, target)
    assert not target.exists()


async def test_a_data_address_is_bounded(fetcher: Fetcher, target: Path) -> None:
    packed = base64.b64encode(BODY).decode()
    for address in (f"data:;base64,{packed}", "data:," + "a" * 2000):
        with pytest.raises(OutputTooLarge, match=r"product_bytes"):
            await fetch(fetcher, address, target, most=1999)


async def test_a_file_below_the_work_folder_is_taken(fetcher: Fetcher, work: Path, target: Path) -> None:
    made = work / "a ü%20.png"
    made.write_bytes(BODY)
    got = await fetch(fetcher, made.as_uri(), target)
    assert got.sha256 == hashlib.sha256(BODY).hexdigest() and made.read_bytes() == BODY


async def test_no_other_file_is_taken(fetcher: Fetcher, work: Path, target: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (work / "link").symlink_to(secret)
    os.mkfifo(work / "pipe")
    for address in (secret.as_uri(), f"{work.as_uri()}/../secret", f"{work.as_uri()}/link", work.as_uri(),
                    f"{work.as_uri()}/pipe", f"{work.as_uri()}/%00", "file:", "file:relative"):  # fmt: skip
        with pytest.raises(OutputBad):
            await fetch(fetcher, address, target)
    with pytest.raises(OutputLost):
        await fetch(fetcher, f"{work.as_uri()}/gone", target)
    assert not target.exists()


# The file.


async def test_a_small_output_stays_in_memory_until_it_is_filed_and_a_large_one_does_not(
    host: Host, fetcher: Fetcher, target: Path
) -> None:
    address, body = f"{host.base}/a.png", BODY * 5
    small = await fetcher.receive(address, target, most_bytes=len(BODY), allowed_hosts=HERE)
    assert (small.held, small.content(), target.exists()) == (len(BODY), BODY, False)
    assert small.file().sha256 == hashlib.sha256(BODY).hexdigest() and target.read_bytes() == BODY
    host.answer = lambda request: web.Response(body=body)
    large = await fetcher.receive(address, target, most_bytes=len(body), allowed_hosts=HERE)
    assert large.content() is None and large.held <= PIECE and target.stat().st_size == len(body) - large.held
    assert large.file() == Fetched(target, hashlib.sha256(body).hexdigest(), len(body), "application/octet-stream")
    again = await fetcher.receive(address, target, most_bytes=len(body), allowed_hosts=HERE)
    again.discard()
    assert not target.exists()


async def test_a_second_name_of_the_same_file_is_left_alone(host: Host, fetcher: Fetcher, target: Path) -> None:
    product = target.with_name("product.png")
    product.write_bytes(b"paid for")
    os.link(product, target)
    await fetch(fetcher, f"{host.base}/a.png", target)
    assert product.read_bytes() == b"paid for" and target.read_bytes() == BODY


async def test_a_link_at_the_target_is_replaced_not_followed(host: Host, fetcher: Fetcher, target: Path) -> None:
    elsewhere = target.with_name("elsewhere")
    elsewhere.write_bytes(b"kept")
    target.symlink_to(elsewhere)
    await fetch(fetcher, f"{host.base}/a.png", target)
    assert elsewhere.read_bytes() == b"kept" and not target.is_symlink()


async def test_a_full_disk_says_so_and_leaves_nothing(
    host: Host, fetcher: Fetcher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch_module.os, "write", full)
    with pytest.raises(StorageFull):
        await fetch(fetcher, f"{host.base}/a.png", target)
    monkeypatch.undo()
    assert not target.exists()


async def test_a_disk_that_does_not_keep_it_is_sick(
    host: Host, fetcher: Fetcher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sick(number: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable, "flush", sick)
    with pytest.raises(StorageFaulty):
        await fetch(fetcher, f"{host.base}/a.png", target)
    assert not target.exists()


async def test_it_is_flushed_before_it_is_called_fetched(
    host: Host, fetcher: Fetcher, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(durable, "flush", lambda number: flushed.append(os.fstat(number).st_size))
    await fetch(fetcher, f"{host.base}/a.png", target)
    assert flushed == [len(BODY)]


async def test_a_cancelled_fetch_leaves_nothing_open_and_nothing_behind(
    host: Host, fetcher: Fetcher, target: Path
) -> None:
    begun = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(2 * BODY)
        begun.set()
        await asyncio.sleep(30)
        return answer

    host.answer = stall
    task = asyncio.create_task(fetch(fetcher, f"{host.base}/a.png", target))
    await begun.wait()
    while not target.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not target.exists()
