"""From known outputs to products on the shelf: what is kept, what is lost, what it cost, what is tidied."""

from __future__ import annotations

import errno
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from PIL import Image

from artfactoryd.core import line_values
from artfactoryd.core.inside.undo import restored
from artfactoryd.errors import InDoubt, RunFailed, StorageFull
from artfactoryd.execution import delivery
from artfactoryd.execution.choosing import lettered
from artfactoryd.execution.flights import Phase
from artfactoryd.execution.shelving.arrival import Arrival
from artfactoryd.execution.shelving.filing import Filing
from artfactoryd.factories import Output, Outputs
from artfactoryd.factories.http.shapes import text_beside
from artfactoryd.reporting import waiting
from artfactoryd.settings import Limits
from artfactoryd.shelf import placing
from artfactoryd.shelf.fetch import Fetcher
from artfactoryd.shelf.received import Fetched
from tests.fakes import FakeFactory
from tests.homes import TestHome, card_of
from tests.works import PRICE, at_work, order, quick

__all__ = ["quick"]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def impatient(quick: None, monkeypatch: Patch) -> None:
    monkeypatch.setattr(delivery, "AGAIN", (0.01,))


def broken(fake: FakeFactory) -> Output:
    path = fake._work / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\nno more of it")
    return Output(path.as_uri(), "image/png")


def other(fake: FakeFactory, data: bytes, name: str = "other") -> Output:
    path = fake._work / name
    path.write_bytes(data)
    return Output(path.as_uri())


def gone(fake: FakeFactory) -> Output:
    return Output((fake._work / "never-made.png").as_uri(), "image/png")


async def test_one_output_lost_of_two_is_a_shortfall_not_a_failure(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((gone(works.fake), works.fake.picture("b")), {}, 1.0))
        made = await works.make(order("a car", parameters={"num_outputs": 2}))
        assert works.states(made) == ["completed"] and works.committed(made) == PRICE
        assert "1 of 2 came" in (works.items(made)[0].reason or "")
        [card] = home.sidecars()
        assert card["outputs"] == {"asked": 2, "delivered": 1} and card["file"]["index"] == 2


async def test_an_item_of_which_nothing_can_be_had_failed_and_was_charged(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((gone(works.fake),)))
        made = await works.make(order("a car"))
        [item] = works.items(made)
        assert (item.state, works.committed(made)) == ("failed", PRICE) and item.reason
        assert home.products() == [] and len(works.fake.calls()) == 1
        assert works.house.books.index.attempts(made)[0].verdict == "lost"


async def test_an_output_that_cannot_be_fetched_is_given_up_when_it_has_surely_expired(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(FakeFactory, "output_hosts", frozenset({"127.0.0.1"}))
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", Outputs((Output("http://127.0.0.1:9/x.png"),)))
        made = await works.take(order("a car"))
        await works.until(lambda: works.states(made) == ["delivering"])
        monkeypatch.setattr(delivery, "LASTS", -1.0)
        await works.until(lambda: works.states(made) == ["failed"])
        assert "within an hour" in (works.items(made)[0].reason or "")


async def test_what_came_whole_is_kept_until_it_is_on_the_shelf(home: TestHome, monkeypatch: Patch) -> None:
    """The folder cannot be written, the provider erases the output, the program is started again: nothing is lost."""

    def full(*given: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patched:
            patched.setattr("artfactoryd.shelf.placing._settle", full)
            made = await works.take(order("a car"))
            await works.until(lambda: works.phases(made) == [Phase.WAITS_FOR_ROOM])
            await works.until(lambda: works.daemon.done)  # `once` does not wait for room
            await works.stop()
    assert works.states(made) == ["delivering"] and home.products() == []
    (home.home.work / "made" / "fake" / "fake-1.png").unlink()
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.fake.history == [] and len(home.products()) == 1
        await works.until(lambda: list((home.home.work / "outputs").iterdir()) == [])


@pytest.mark.parametrize("with_sidecar", [False, True])
async def test_a_product_that_a_person_takes_elsewhere_as_it_is_placed_is_delivered_once(
    home: TestHome, monkeypatch: Patch, with_sidecar: bool
) -> None:
    taken = home.home.projects / "other" / "mine.png"

    def take(name: str) -> None:
        if name == "folder_synced" and not taken.exists():
            taken.parent.mkdir()
            (product,) = home.home.projects.rglob("*.png")
            (card,) = home.home.projects.rglob("*.png.json")
            product.rename(taken)
            if with_sidecar:
                card.rename(taken.with_name("mine.png.json"))

    monkeypatch.setattr(placing.failpoints, "point", take)
    async with at_work(home, monkeypatch) as works:
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and len(works.lines("settlement")) == 1
        await works.until(lambda: works.house.books.index.newest_products(1)[0].path == "Projects/other/mine.png")
        assert [*home.home.projects.rglob("*.png")] == [taken]


async def test_a_full_disk_is_looked_at_again_until_there_is_room(home: TestHome, monkeypatch: Patch) -> None:
    left = [errno.ENOSPC, errno.EACCES, errno.EROFS]
    settle = placing._settle

    def sometimes(source: Path, product: Path, card: Path, document: dict[str, object]) -> bool:
        if left:
            raise OSError(left.pop(), "not just now")
        return settle(source, product, card, document)

    monkeypatch.setattr(placing, "_settle", sometimes)
    async with at_work(home, monkeypatch) as works:
        made = await works.take(order("a car"))
        await works.until(lambda: works.states(made) == ["completed"])
        assert left == [] and len(works.fake.calls()) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
async def test_while_a_product_cannot_be_filed_nothing_new_is_sent(
    home: TestHome, monkeypatch: Patch, number: int
) -> None:
    settle, tries = placing._settle, [0]

    def refuse(source: Path, product: Path, card: Path, document: dict[str, object]) -> bool:
        tries[0] += 1
        raise OSError(number, "not just now")

    monkeypatch.setattr(placing, "_settle", refuse)
    async with at_work(home, monkeypatch) as works:
        made = await works.take(order("a [red,blue,green,grey,black,white] car"))
        await works.until(lambda: set(works.phases(made)) == {Phase.WAITS_FOR_ROOM})
        sent, tried = len(works.fake.calls()), tries[0]
        await works.until(lambda: tries[0] > tried + 10)
        assert len(works.fake.calls()) == sent < 6
        monkeypatch.setattr(placing, "_settle", settle)
        await works.until(lambda: works.states(made) == ["completed"] * 6)
        assert len(works.fake.calls()) == 6


async def test_a_run_paid_by_time_costs_what_was_measured_and_says_it_is_estimated(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((works.fake.picture("a"),), {}, seconds=4.0))
        made = await works.make(order("a car", model="timer"))
        assert works.committed(made) == 4000
        assert home.sidecars()[0]["cost"] == {"usd": 0.004, "estimated": True}


async def test_without_a_measured_time_the_upper_price_stays(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((works.fake.picture("a"),), {}, seconds=None))
        made = await works.make(order("a car", model="timer"))
        assert works.committed(made) == 10_000 and home.sidecars()[0]["cost"]["estimated"]


@pytest.mark.parametrize("seconds", [math.inf, math.nan, -5.0, 1e30, 10**400], ids=lambda value: f"{value!s:.5}")
async def test_a_time_that_cannot_be_true_costs_what_was_set_aside_and_stands_nowhere(
    seconds: float, home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        returned = {"guidance": math.nan, "scales": [1.0, math.inf]}
        works.fake.script("collect", lambda t: Outputs((works.fake.picture("a"),), returned, seconds=seconds))
        made = await works.make(order("a car", model="timer"))
        assert (works.states(made), works.committed(made)) == (["completed"], 10_000)
        await works.make(order("a van", model="timer"), "van.yaml")  # the pace of the next question bears it too
    cards = [path.read_text() for path in home.home.projects.rglob("*.png.json")]
    papers = [*cards, *(path.read_text() for path in (home.root / "Ledger").glob("*.jsonl"))]
    assert len(cards) == 2 and not any(word in text for text in papers for word in ("NaN", "Infinity"))
    assert home.sidecars()[0]["parameters"]["returned"] == {"guidance": None, "scales": [1.0, None]}


async def test_the_sidecar_keeps_the_four_parameter_sets_and_how_it_came_about(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        await works.make(order(tags=["toy"], notes="for Ann", project="p"))
        card = home.sidecars()[0]
    sets = card["parameters"]
    assert sets["base"]["prompt"] == "a [red,blue] car" and sets["generation"]["prompt"] == "a red car"
    assert sets["actual"] == sets["generation"] and sets["returned"] == {"seed": 7}
    assert card["ticket"] == "fake-1" and card["tags"] == ["toy"] and card["notes"] == "for Ann"
    assert card["project"] == "p" and card["item"]["index"] == 1
    assert card["timings"]["asked_at"] <= card["timings"]["answered_at"] <= card["timings"]["ended_at"]


async def test_what_a_kill_left_of_deliveries_is_tidied_and_what_is_not_ours_stays(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch, script=lambda fake: fake.hold("submit")) as works:
        made = await works.take(order())
        await works.fake.reached("submit")
        folder = home.root / works.folder(made)
        monkeypatch.setattr("artfactoryd.daemon.loop.GRACE", 0.01)
    outputs = home.home.work / "outputs"
    outputs.mkdir(exist_ok=True)
    (outputs / "0190.part").write_text("half")
    (folder / ".0001-a-red-car.png.0a1b2c3d.tmp").write_text("half")
    (folder / "mine.json").write_text("{}")
    (folder / "sidecars").mkdir()
    (folder / "sidecars" / ".0001-lost.png.json.0a1b2c3d.tmp").write_text("half")
    unknown = folder / "sidecars" / "0001-lost.png.json"  # the ledger may be older than the shelf
    unknown.write_text(json.dumps({"id": "0190", "file": {}, "order": {"id": made}}))
    async with at_work(home, monkeypatch) as works:
        await works.rests()
    assert list(outputs.iterdir()) == [] and (folder / "mine.json").exists() and unknown.exists()
    assert list(folder.rglob("*.tmp")) == []


async def test_the_sidecar_of_a_picture_that_a_person_removed_stays(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("submit", "ok", InDoubt("lost"))
        made = await works.make(order())
        assert works.states(made) == ["completed", "in_doubt"]
    [picture] = home.products()
    picture.unlink()
    async with at_work(home, monkeypatch) as works:
        await works.rests()
        assert works.states(made) == ["completed", "in_doubt"]
    assert card_of(picture).exists() and not picture.exists()


# --- whatever came whole is shelved ---

FILM = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x74moov\0\0\0\x6cmvhd" + bytes(12) + (
    (1000).to_bytes(4, "big") + (2500).to_bytes(4, "big") + bytes(80)
)  # fmt: skip
SORTS = {
    "video": (FILM, "video/mp4", ".mp4"),
    "audio": (b"ID3\x04" + bytes(200), "audio/mpeg", ".mp3"),
    "image": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", ".svg"),
    "text": (b"a cat on a mat", "text/plain", ".txt"),
    "model": (b"glTF\x02" + bytes(40), "model/gltf-binary", ".glb"),
    "unknown": (bytes(range(256)), "application/octet-stream", ".bin"),
}


@pytest.mark.parametrize("sort", SORTS)
async def test_whatever_came_whole_is_shelved_with_its_type(home: TestHome, monkeypatch: Patch, sort: str) -> None:
    data, mime, ending = SORTS[sort]
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((other(works.fake, data),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and works.committed(made) == PRICE
    [product] = [path for path in (home.root / works.folder(made)).iterdir() if path.suffix == ending]
    card = json.loads(card_of(product).read_text())
    assert product.read_bytes() == data and card["file"]["mime"] == mime
    assert card["type"] == (sort if sort in ("video", "audio", "image") else "other")
    assert card["file"]["duration"] == (2.5 if sort == "video" else None)


async def test_a_caption_lies_beside_its_picture_and_costs_nothing(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        caption = text_beside(["https://a/1.png", "a car on a road"])
        assert caption is not None
        works.fake.script("collect", lambda t: Outputs((other(works.fake, FILM), caption)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and works.committed(made) == PRICE
    names = sorted(p.name for p in (home.root / works.folder(made)).iterdir() if p.suffix in (".mp4", ".txt"))
    assert [name[:5] + name[-4:] for name in names] == ["0001-.mp4", "0001b.txt"]
    assert (home.root / works.folder(made) / names[1]).read_text() == "a car on a road"


async def test_a_damaged_picture_is_kept_and_said_to_be_damaged(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", lambda t: Outputs((broken(works.fake),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and "damaged" in (works.items(made)[0].reason or "")
        assert "damaged" in home.sidecars()[0]["file"]["remark"]
        assert len(home.products()) == 1


async def test_what_came_damaged_is_kept_until_a_better_one_came(home: TestHome, monkeypatch: Patch) -> None:
    receive = Fetcher.receive

    async def mended(self: Fetcher, address: str, target: Path, **more: Any) -> Any:
        received = await receive(self, address, target, **more)
        (works.fake._work / "broken.png").write_bytes((works.fake._work / "whole.png").read_bytes())
        return received

    monkeypatch.setattr(Fetcher, "receive", mended)
    async with at_work(home, monkeypatch) as works:
        works.fake.picture("whole")
        works.fake.script("collect", lambda t: Outputs((broken(works.fake),)))
        made = await works.make(order("a car"))
        assert works.states(made) == ["completed"] and works.items(made)[0].reason is None
        assert restored(home.products()[0].read_bytes()) == (works.fake._work / "whole.png").read_bytes()


async def test_what_was_placed_as_it_came_is_filed_so_though_a_better_one_would_come_now(
    home: TestHome, monkeypatch: Patch
) -> None:
    """Else the first would lie on the shelf in no book."""
    tries = list[str]()

    def full(self: Filing, arrival: Arrival, laid: Fetched) -> Any:
        tries.append(str(laid.path.relative_to(home.root)))
        raise StorageFull("No room for the settlement.")

    async with at_work(home, monkeypatch) as works:
        whole = works.fake.picture("whole")
        works.fake.script("collect", lambda t: Outputs((broken(works.fake),)))
        with monkeypatch.context() as patched:
            patched.setattr(Filing, "_filed", full)
            made = await works.take(order("a car"))
            await works.until(lambda: works.phases(made) == [Phase.WAITS_FOR_ROOM])
            await works.stop()
        Path(url2pathname(urlsplit(whole.address).path)).replace(works.fake._work / "broken.png")
    async with at_work(home, monkeypatch) as works:
        await works.until(lambda: works.states(made) == ["completed"])
        assert [f"{works.folder(made)}/{path.name}" for path in home.products()] == tries[:1]
        await works.until(lambda: list((home.home.work / "outputs").iterdir()) == [])


async def test_what_came_does_not_wait_in_memory_for_what_does_not_come(home: TestHome, monkeypatch: Patch) -> None:
    """The first of two is there, the second does not come: a kill now, and the provider's erasing it, lose nothing."""
    monkeypatch.setattr(FakeFactory, "output_hosts", frozenset({"127.0.0.1"}))
    async with at_work(home, monkeypatch) as works:
        outputs = lambda t: Outputs((works.fake.picture("a"), Output("http://127.0.0.1:9/x.png")))  # noqa: E731
        works.fake.script("collect", outputs)
        made = await works.take(order("a car", parameters={"num_outputs": 2}))
        await works.until(lambda: works.states(made) == ["delivering"])
        first = works.items(made)[0].chosen[0]
        staged = home.home.work / "outputs" / first.id
        await works.until(staged.exists)
        (home.home.work / "made" / "fake" / "a.png").unlink()
        monkeypatch.setattr(delivery, "LASTS", -1.0)
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(home.products()) == 1 and "1 of 2 came" in (works.items(made)[0].reason or "")


async def test_what_is_too_large_waits_with_its_size_until_the_settings_allow_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(delivery, "BOUND_AGAIN", 0.01)
    async with at_work(home, monkeypatch, limits=Limits(free_disk_bytes=1000, product_bytes=200)) as works:
        data = bytes(range(256)) * 2
        works.fake.script("collect", lambda t: Outputs((other(works.fake, data),)))
        made = await works.make(order("a car"))  # nobody waits for it
        assert works.states(made) == ["delivering"]
        [reason] = waiting.reasons(works.house.books.index, works.order(made), home.home, works.house.settings.now)
        assert "limits.product_bytes" in reason and "until about" in reason and "file" in reason
        receipt = home.root / works.folder(made) / "receipt.yaml"
        await works.until(lambda: "limits.product_bytes" in receipt.read_text())
        settings = works.house.settings
        settings.now = replace(settings.now, limits=replace(settings.now.limits, product_bytes=5000))
        await works.until(lambda: works.states(made) == ["completed"])
        assert len(works.fake.calls()) == 1


# --- flagged, and answers in which nobody finds anything ---


async def test_a_flagged_picture_that_shows_something_is_kept_and_marked_and_a_black_one_is_not(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        shown, black = io.BytesIO(), io.BytesIO()
        Image.linear_gradient("L").save(shown, "PNG")
        Image.new("RGB", (9, 9)).save(black, "JPEG")
        outputs = [other(works.fake, data.getvalue(), f"{n}.png") for n, data in enumerate((shown, black))]
        works.fake.script("collect", Outputs(tuple(replace(output, flagged=True) for output in outputs)))
        made = await works.make(order("a car", parameters={"num_outputs": 2}))
        assert works.states(made) == ["completed"] and works.committed(made) == PRICE
        assert "flagged as unsafe" in home.sidecars()[0]["file"]["remark"] and len(home.products()) == 1
        assert "1 of 2 came" in (works.items(made)[0].reason or "")


async def test_an_answer_in_which_nobody_finds_an_output_is_kept_with_the_failure(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", RunFailed("Without any output.", charged=True, answer='{"odd": 1}'))
        made = await works.make(order("a car"))
        assert works.lines("failure")[0]["answer"] == '{"odd": 1}'
        assert works.house.books.index.attempts(made)[0].returned == {"answer": '{"odd": 1}'}
        assert 'It answered: {"odd": 1}' in (works.items(made)[0].reason or "")


# --- more comes than was asked for ---


async def test_more_than_was_asked_for_keeps_its_items_place_is_billed_and_stops_further_wishes(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.fake.script("collect", *[lambda t: Outputs(tuple(works.fake.picture(f"{t.text}{n}") for n in "xyz"))] * 2)
        made = await works.make(order("a [red,blue] car"))
        assert works.states(made) == ["completed", "planned"] and works.committed(made) == 3 * PRICE
        assert "An item cost $0.03" in str(
            waiting.reasons(works.house.books.index, works.order(made), home.home, works.house.settings.now)
        )
        result = works.lines("result")[0]
        assert (result["cost"], [output["index"] for output in result["outputs"]]) == (3 * PRICE, [1, 1, 1])
        assert (await works.tell("approve", made))["done"]
        await works.until(lambda: works.states(made) == ["completed", "completed"])
        names = sorted(path.name.partition("-")[0] for path in home.products())
        assert names == ["0001", "0001b", "0001c", "0002", "0002b", "0002c"]
        assert "3 came where 1 was asked for" in (works.items(made)[0].reason or "")


async def test_what_came_beside_is_kept_and_not_billed_and_what_was_sent_is_no_output(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        mask = replace(works.fake.picture("mask"), byproduct=True)
        echo = Output("https://example.com/given.png")
        works.fake.script("collect", Outputs((echo, mask, works.fake.picture("made"))))
        made = await works.make(order("https://example.com/given.png"))
        assert works.committed(made) == PRICE and works.states(made) == ["completed"]
        cards = sorted(home.sidecars(), key=lambda card: str(card["file"]["name"]))
        assert [card["cost"]["usd"] for card in cards] == [0.01, 0] and len(cards) == 2
        assert cards[1]["file"]["name"].startswith("0001b-") and cards[0]["outputs"] == {"asked": 1, "delivered": 1}


@pytest.mark.parametrize("beside", [b"a cat", b'{"boxes": [1]}', b"ID3\x04\0" + bytes(99)])
async def test_what_comes_in_the_place_of_a_picture_may_be_billed_as_one(
    home: TestHome, monkeypatch: Patch, beside: bytes
) -> None:
    async with at_work(home, monkeypatch) as works:
        pictures = [works.fake.picture(f"made{n}") for n in range(2)]
        works.fake.script("collect", Outputs((*pictures, other(works.fake, beside, "3.bin"))))
        made = await works.make(order("a car", parameters={"num_outputs": 3}))
        assert works.committed(made) == 3 * PRICE
        assert len(home.products()) == 3


@pytest.mark.parametrize("beside", [b"a cat", b'{"boxes": [1]}', b"ID3\x04\0" + bytes(99)])
async def test_what_is_not_said_to_be_beside_counts_whatever_it_is(
    home: TestHome, monkeypatch: Patch, beside: bytes
) -> None:
    async with at_work(home, monkeypatch) as works:
        picture = works.fake.picture("made")
        works.fake.script("collect", Outputs((picture, other(works.fake, beside, "2.bin"))))
        made = await works.make(order("a car"))
        assert works.committed(made) == 2 * PRICE and works.states(made) == ["completed"]
        assert len(home.products()) == 2


def test_letters_go_on_after_z_in_the_order_of_the_alphabet() -> None:
    outputs = [line_values.Output(str(n), 1, "", "", None) for n in range(60)]
    letters = [output.letter for output in lettered(outputs, 0)]
    assert letters[:3] == ["", "b", "c"] and letters == sorted(set(letters)) and len(letters) == 60
