"""The later look: what is on the shelf is decoded once; what is damaged is fetched again, or said to be damaged."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from PIL import Image

from artfactoryd.core.inside.undo import restored, told
from artfactoryd.errors import AskAgain, OutputLost
from artfactoryd.execution import delivery
from artfactoryd.execution.shelving import later
from artfactoryd.execution.shelving.eye import Decoder, Glance, Thumbnails
from artfactoryd.factories import Output, Outputs
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.storage import looks
from artfactoryd.storage.rows import ProductRow
from tests.eyes import NearEye
from tests.homes import TestHome, card_of
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def impatient(quick: None, monkeypatch: Patch) -> None:
    monkeypatch.setattr(delivery, "AGAIN", (0.01,))


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def spoiled(text: str = "") -> bytes:
    """A PNG whose checksums are right and whose pixels are not."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    more = chunk(b"tEXt", b"a\0" + text.encode()) if text else b""
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", bytes(60)) + chunk(b"IEND", b"")


def glued() -> bytes:
    """Half a JPEG with the mark of the end behind it."""
    data = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(data, "JPEG")
    return data.getvalue()[: len(data.getvalue()) // 2] + b"\xff\xd9"


def gives(works: Works, data: bytes, name: str = "spoiled.png") -> Path:
    """The next item's output, and where it lies at the provider."""
    path = works.fake._work / name
    path.write_bytes(data)
    works.fake.script("collect", lambda t: Outputs((Output(path.as_uri()),)))
    return path


def products(works: Works) -> list[ProductRow]:
    index = works.house.books.index
    return sorted((row for order in index.orders() for row in index.products(order.id)), key=lambda row: row.path)


def looked(works: Works) -> int:
    """How many turned out to be damaged, as the index knows."""
    return sum(bool(row.looked) for row in products(works))


@pytest.fixture
def served(monkeypatch: Patch) -> dict[str, bytes | Exception]:
    """What an address gives after the first time; without it, the same again."""
    after: dict[str, bytes | Exception] = {}
    seen: set[str] = set()
    files: dict[str, bytes] = {}
    receive = Fetcher.receive

    async def again(self: Fetcher, address: str, target: Path, **more: Any) -> Any:
        path = Path(urlsplit(address).path)
        now = after.get(address, b"") if address in seen else b""
        if isinstance(now, Exception):
            raise now
        files[address] = now or files.get(address) or path.read_bytes()
        path.write_bytes(files[address])
        seen.add(address)
        return await receive(self, address, target, **more)

    monkeypatch.setattr(Fetcher, "receive", again)
    return after


async def test_what_is_well_is_looked_at_once_and_not_again_after_a_restart(home: TestHome, monkeypatch: Patch) -> None:
    looked = list[str]()

    class Counting(NearEye):
        async def look(self, path: Path, megapixels: float, thumbnails: Thumbnails | None = None) -> Glance:
            looked.append(path.name)
            return await super().look(path, megapixels, thumbnails)

    monkeypatch.setattr("artfactoryd.execution.assembly.Eye", Counting)
    async with at_work(home, monkeypatch) as works:
        await works.make(order("a [red,blue] car"))
        assert [row.looked for row in products(works)] == ["", ""] and len(looked) == 2
        assert works.lines("look") == [] and looks.count(works.house.books.index) == 0
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert len(looked) == 2


@pytest.mark.parametrize("data", [spoiled(), glued()], ids=["pixels", "half a JPEG"])
async def test_what_does_not_decode_and_is_gone_is_marked_and_stays(
    home: TestHome, monkeypatch: Patch, data: bytes
) -> None:
    async with at_work(home, monkeypatch) as works:
        gives(works, data)
        made = await works.make(order("a car"))
        await works.until(lambda: looked(works) == 1)
        [row] = products(works)
        assert restored((home.root / row.path).read_bytes()) == data and row.replaced_by is None
        assert "The picture is" in (row.looked or "") and "can no longer be fetched" in (row.looked or "")
        [item] = works.items(made)
        assert item.state == "completed" and f"Product 1: {row.looked}" == item.reason
        receipt = home.root / works.folder(made) / "receipt.yaml"
        await works.until(lambda: "can no longer be fetched" in receipt.read_text())
    [order_document] = home.ask("order", made)["products"]
    [found] = home.ask("products")["products"]
    assert order_document["damaged"] == found["damaged"] == row.looked
    assert str(row.looked) in home.call("explain", row.path).stdout
    assert "damaged" in home.call("products").stdout and str(row.looked) in home.call("order", made).stdout


async def test_bytes_that_differ_are_laid_beside_and_linked(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    async with at_work(home, monkeypatch) as works:
        path = gives(works, spoiled())
        served[path.as_uri()] = Path(urlsplit(works.fake.picture("whole").address).path).read_bytes()
        made = await works.make(order("a car"))
        await works.until(lambda: looked(works) == 1)
        first, second = sorted(products(works), key=lambda row: row.looked == "")
        assert (first.replaced_by, second.looked, second.place, second.nth) == (second.id, "", 1, 0)
        assert Path(second.path).name == Path(first.path).name.replace(".png", "-2.png")
        assert restored((home.root / first.path).read_bytes()) == spoiled()
        assert Path(second.path).name in (works.items(made)[0].reason or "")
        assert works.house.books.index.outputs_of(works.items(made)[0])[0].id == second.id
        card = json.loads(card_of(home.root / second.path).read_text())
        assert told((home.root / second.path).read_bytes()) == (second.id, second.original)
        assert card["file"]["replaces"] == first.id and card["cost"]["usd"] == 0
        assert "damaged" in card["file"]["remark"] and second.id[:13] == first.id[:13]
        await works.until(lambda: list((home.home.work / "outputs").iterdir()) == [])
        before = products(works)
    home.home.index_file.unlink()
    home.ask("reindex")
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert products(works) == before and len(home.sidecars()) == 2


async def test_what_comes_the_same_again_is_marked(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    async with at_work(home, monkeypatch) as works:
        gives(works, spoiled())
        await works.make(order("a car"))
        await works.until(lambda: looked(works) == 1)
        assert "it came the same" in str(products(works)[0].looked) and len(home.products()) == 1


async def test_what_comes_damaged_otherwise_is_not_laid_beside(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    async with at_work(home, monkeypatch) as works:
        served[gives(works, spoiled()).as_uri()] = spoiled("otherwise")
        await works.make(order("a car"))
        await works.until(lambda: looked(works) == 1)
        assert len(home.products()) == 1 and products(works)[0].replaced_by is None


async def test_an_address_that_does_not_answer_is_waited_for_and_once_is_not_held(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    async with at_work(home, monkeypatch) as works:
        served[gives(works, spoiled()).as_uri()] = AskAgain("not just now")
        made = await works.make(order("a car"))  # which `once` would not wait longer for either
        assert works.lines("look") == [] and looks.count(works.house.books.index) == 1
        await works.make(order("a van"), "van.yaml")  # and it takes no turn from others
        assert [row.looked for row in products(works)] == [None, ""]
        monkeypatch.setattr(delivery, "LASTS", -1.0)
        await works.until(lambda: "no longer" in (works.items(made)[0].reason or ""))


async def test_one_whose_address_has_surely_died_is_not_asked_for_but_what_was_fetched_before_is_laid_beside(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    busy = [True]
    monkeypatch.setattr("artfactoryd.execution.delivery.Delivery.at_work", property(lambda self: busy[0]))
    async with at_work(home, monkeypatch) as works:
        for name in "ab":
            served[gives(works, spoiled(name), f"{name}.png").as_uri()] = AskAgain("not just now")
        await works.take(order("a [red,blue] car"))
        await works.until(lambda: works.states() == ["completed"] * 2)
        first, second = products(works)
        whole = Path(urlsplit(works.fake.picture("whole").address).path).read_bytes()
        (home.home.work / "outputs" / f"{second.id}-again").write_bytes(whole)
        monkeypatch.setattr(delivery, "LASTS", -1.0)
        busy[0] = False
        await works.until(lambda: looked(works) == 2)
        rows = {row.id: row for row in products(works)}
        assert "can no longer be fetched" in str(rows[first.id].looked) and rows[second.id].replaced_by in rows


async def test_a_stop_while_it_is_fetched_again_goes_on_at_the_next_start(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    async with at_work(home, monkeypatch) as works:
        address = gives(works, spoiled()).as_uri()
        served[address] = AskAgain("not just now")
        await works.make(order("a car"))
    assert home.ask("status")["to_look_at"] == 1 and "still to be looked at" in home.call("status").stdout
    async with at_work(home, monkeypatch) as works:
        served[address] = OutputLost("gone")
        await works.until(lambda: looked(works) == 1)
    assert home.ask("status")["to_look_at"] == 0


async def test_what_a_person_took_away_or_changed_meanwhile_is_left_alone(home: TestHome, monkeypatch: Patch) -> None:
    busy = [True]
    monkeypatch.setattr("artfactoryd.execution.delivery.Delivery.at_work", property(lambda self: busy[0]))
    async with at_work(home, monkeypatch) as works:
        for name in "ab":
            gives(works, spoiled(), f"{name}.png")
        await works.take(order("a [red,blue] car"))
        await works.until(lambda: works.states() == ["completed"] * 2)
        gone, changed = home.products()
        gone.unlink()
        changed.write_bytes(b"mine")
        assert works.execution.later.owes([works.house.books.index.orders()[0].id])
        busy[0] = False
        await works.until(lambda: looks.count(works.house.books.index) == 0)
        assert works.lines("look") == [] and changed.read_bytes() == b"mine"


async def test_what_is_new_comes_first_and_deliveries_pass_but_not_for_ever(home: TestHome, monkeypatch: Patch) -> None:
    looked, busy = list[str](), [True]

    class Counting(NearEye):
        async def look(self, path: Path, megapixels: float, thumbnails: Thumbnails | None = None) -> Glance:
            looked.append(path.name[:4])
            return Glance("")

    monkeypatch.setattr("artfactoryd.execution.assembly.Eye", Counting)
    monkeypatch.setattr("artfactoryd.execution.delivery.Delivery.at_work", property(lambda self: busy[0]))
    async with at_work(home, monkeypatch) as works:
        await works.take(order("a [red,blue,green] car"))
        await works.until(lambda: works.states() == ["completed"] * 3)
        await asyncio.sleep(0.1)
        assert looked == []
        monkeypatch.setattr(later, "PATIENCE", 0.0)
        await works.until(lambda: looks.count(works.house.books.index) == 0)
        assert sorted(looked) == ["0001", "0002", "0003"] and looked[-1] != "0003"


async def test_what_got_too_little_of_the_processor_is_looked_at_again_and_not_waited_for(
    home: TestHome, monkeypatch: Patch
) -> None:
    answers, again = [Glance(None, is_starved=True), Glance("")], asyncio.Event()

    class Starved(NearEye):
        async def look(self, path: Path, megapixels: float, thumbnails: Thumbnails | None = None) -> Glance:
            if len(answers) == 1:
                await again.wait()
            return answers.pop(0)

    monkeypatch.setattr("artfactoryd.execution.assembly.Eye", Starved)
    monkeypatch.setattr(later, "STARVED_AGAIN", 0.0)
    monkeypatch.setattr(later, "OWES_EVERY", 0.0)
    async with at_work(home, monkeypatch) as works:
        made = await works.take(order("a car"))
        await works.until(lambda: len(answers) == 1)
        assert looks.count(works.house.books.index) == 1
        again.set()
        await works.until(lambda: looks.count(works.house.books.index) == 0)
        assert not works.execution.later.owes(made) and works.lines("look") == []


async def test_what_is_flagged_and_what_a_stage_is_fed_with_is_decoded_before_it_is_placed(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        path = works.fake._work / "flagged.png"
        path.write_bytes(spoiled())
        works.fake.script("collect", lambda t: Outputs((Output(path.as_uri(), flagged=True),)))
        made = await works.make(order("a car"))
        [filed] = works.lines("settlement")[0]["products"]
        assert "damaged" in filed["looked"] and "damaged" in (works.items(made)[0].reason or "")
        assert "damaged" in home.sidecars()[0]["file"]["remark"] and works.lines("look") == []
        stages = [{"provider": "local", "model": "resize", "parameters": {"width": 4}}]
        await works.make(order("a van", then=stages), "van.yaml")
        assert [line["products"][0]["looked"] for line in works.lines("settlement")[1:2]] == [""]


async def test_a_process_that_drew_while_all_else_stopped_is_ended_too(home: TestHome, monkeypatch: Patch) -> None:
    drew = Mock(spec=Decoder)
    async with at_work(home, monkeypatch) as works:
        await works.stop()
        works.execution.later._eye._free.append(drew)
    drew.end.assert_awaited_once()


async def test_all_that_earlier_runs_left_is_waited_for_however_much_it_is(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        index, columns = works.house.books.index, "order_id, number, place, path, sha256, bytes, mime, created_at"
        sql = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
            f"INSERT INTO product (id, {columns}) SELECT 'old' || i, {columns} FROM n, product"
        )
        await works.house.books.note(lambda index: index.add(sql, [()]))
        assert not looks.are_owed(index, [made[::-1]], ()) and looks.are_owed(index, [made], ())
        assert looks.are_owed(index, None, [f"old{n}" for n in range(1, 300)])
        works.execution.later.wake()
        await works.rests()
        assert looks.count(index) == 0


async def test_what_is_no_picture_is_not_owed_a_look(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        gives(works, b"a cat on a mat", "cat.txt")
        await works.make(order("a car"))
        assert [line["products"][0]["looked"] for line in works.lines("settlement")] == [""]


async def test_a_copy_of_what_is_damaged_is_damaged_and_one_of_what_was_bettered_is_the_better(
    home: TestHome, monkeypatch: Patch, served: dict[str, bytes | Exception]
) -> None:
    async with at_work(home, monkeypatch) as works:
        gives(works, spoiled(), "a.png")
        served[gives(works, spoiled("b"), "b.png").as_uri()] = Path(
            urlsplit(works.fake.picture("whole").address).path
        ).read_bytes()
        await works.make(order("a [red,blue] car", seed=7, parameters={"seed": 7}))
        await works.until(lambda: looked(works) == 2)
        await works.make(order("a [red,blue] car", seed=7, parameters={"seed": 7}, notes="again"), "again.yaml")
        copies = [line["products"][0] for line in works.lines("settlement")[2:]]
        assert len(works.fake.calls()) == 2 and sorted(bool(copy["looked"]) for copy in copies) == [False, True]
