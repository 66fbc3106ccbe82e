"""What is sent for an item that takes pictures: uploaded once per content, remembered, checked, never bought."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from artfactoryd.core.lifecycle import UPLOAD_LASTS
from artfactoryd.daemon.run import RunOptions
from artfactoryd.errors import AskAgain, CallRefused, ProviderStopped, Unreachable
from artfactoryd.execution.pacing import uploads as uploading
from artfactoryd.factories import Uploaded
from artfactoryd.reporting import waiting
from tests.fakes import FakeFactory
from tests.homes import TestHome
from tests.pictures import draw, edit, with_editor
from tests.works import Works, at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
Patch = pytest.MonkeyPatch


class Uploader(FakeFactory):
    """One that reads pictures from an address of its own; `answers` come before the ordinary ones."""

    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.uploads: list[tuple[str, bytes, str]] = []
        self.answers: deque[Any] = deque()

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        self.uploads.append((name, data, mime))
        answer = self.answers.popleft() if self.answers else in_(hours=24)
        if isinstance(answer, Exception):
            raise answer
        return Uploaded(f"https://files.example/{len(self.uploads)}", answer)


def in_(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


@pytest.fixture(autouse=True)
def patient(monkeypatch: Patch) -> None:
    monkeypatch.setattr(uploading, "AGAIN", 0.02)


def bundle(home: TestHome, name: str, text: str, **pictures: str) -> None:
    folder = home.home.inbox / f".{name}"
    for picture, colour in (pictures or {"beach": "blue"}).items():
        draw(folder / f"{picture}.png", colour)
    (folder / "order.yaml").write_text(text)
    folder.rename(home.home.inbox / name)


async def made(works: Works, number: int = 1) -> str:
    """Until so many orders rest; the newest one's id."""
    index = works.house.books.index
    await works.until(lambda: len(index.orders()) == number and index.items(index.orders()[0].id))
    await works.rests()
    return str(works.house.books.index.orders()[0].id)


def uploads(works: Works) -> list[tuple[str, bytes, str]]:
    assert isinstance(works.fake, Uploader)
    return works.fake.uploads


def sent(works: Works) -> list[Any]:
    return [call.parameters.get("image") for call in works.fake.calls()]


async def test_one_content_is_uploaded_once_for_all_items_orders_and_names(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch, concurrency=4, fake=Uploader) as works:
        bundle(home, "one", edit(prompt="make it [night,winter,spring,wet]"))
        await made(works)
        bundle(home, "two", edit("other.png"), other="blue")
        await made(works, 2)
        assert [(name, mime) for name, _, mime in uploads(works)] == [("beach.png", "image/png")]
        assert sent(works) == ["https://files.example/1"] * 5
        assert all(item.generation["image"].endswith(".png") for item in works.items(works.lines()[0]["order"]))


async def test_two_contents_are_two_uploads_and_each_item_gets_its_own(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch, fake=Uploader) as works:
        bundle(home, "one", edit(["a.png", "b.png", "a.png"]), a="red", b="blue")
        await made(works)
        assert [name for name, _, _ in uploads(works)] == ["a.png", "b.png"]
        assert sent(works) == ["https://files.example/1", "https://files.example/2"]


async def test_an_upload_is_remembered_across_a_restart(home: TestHome, monkeypatch: Patch) -> None:
    for number in (1, 2):
        async with at_work(with_editor(home), monkeypatch, fake=Uploader) as works:
            bundle(home, f"order{number}", edit(prompt=f"make it {number}"))
            await made(works, number)
            assert len(uploads(works)) == 2 - number
            assert sent(works) == ["https://files.example/1"]


@pytest.mark.parametrize(
    ("expires", "again"),
    [
        (None, False),
        (24 * 60, False),
        (11, False),
        (9, True),
        (-9, True),
        ("2026-01-01T00:00:00", True),
        ("soon", True),
    ],
)
async def test_an_upload_is_used_until_ten_minutes_before_it_expires(
    home: TestHome, monkeypatch: Patch, expires: str | int | None, again: bool
) -> None:
    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.append(in_(minutes=expires) if isinstance(expires, int) else expires)

    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script) as works:
        bundle(home, "one", edit(prompt="make it [night,winter]"))
        await made(works)
        assert len(uploads(works)) == (2 if again else 1)
        assert works.states() == ["completed", "completed"]


async def test_an_upload_that_fails_for_a_passing_reason_is_done_again_and_nothing_is_wished_for(
    home: TestHome, monkeypatch: Patch
) -> None:
    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.extend([AskAgain("502"), AskAgain("busy", after=0.01), in_(hours=24)])

    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script) as works:
        bundle(home, "one", edit())
        await made(works)
        assert len(uploads(works)) == 3 and works.states() == ["completed"]
        assert works.kinds() == ["wish", "ticket", "result", "settlement"]


async def test_an_upload_host_out_of_reach_is_no_outage_and_the_rest_goes_on(
    home: TestHome, monkeypatch: Patch
) -> None:
    """Each waits on its own with its reason, the host is tried by one at a time, and all go on when it is back."""

    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.extend([Unreachable("the files cannot be reached")] * 3)

    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script) as works:
        monkeypatch.setattr(uploading, "AGAIN", 0.15)
        bundle(home, "one", edit(["a.png", "b.png", "c.png"]), a="red", b="blue", c="green")
        await works.until(lambda: len(uploads(works)) == 2)
        index = works.house.books.index
        (first,) = index.orders()
        await works.take(order("a plain [red,blue,green] car"))
        await works.until(lambda: Counter(works.states()) == Counter(planned=3, completed=3))
        assert index.outages() == {} and not works.execution.gates["fake"].creating.failures
        reasons = waiting.reasons(index, first, home.home, works.house.settings.now)
        assert reasons and all(
            "What it is made from c" in text and "the files cannot be reached" in text for text in reasons
        )
        await works.until(lambda: works.states() == ["completed"] * 6)
        assert len(uploads(works)) == 3 + 3


async def test_who_waits_for_an_end_does_not_wait_for_an_upload_host_that_stays_away(
    home: TestHome, monkeypatch: Patch
) -> None:
    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.extend([Unreachable("away")] * 500)

    monkeypatch.setattr(uploading, "AGAIN", 0.2)  # the fourth try is far away when the third has failed
    job = RunOptions(until_done=True)
    bundle(home, "one", edit())
    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script, job=job) as works:
        async with asyncio.timeout(20):
            await works.running
        assert works.states() == ["planned"] and len(uploads(works)) == uploading.AWAITED
        (row,) = works.house.books.index.orders()
        outlook = waiting.outlook(works.house.books.index, row, home.home, works.house.settings.now)
        assert outlook.rests and "tried again ever more rarely (3 tries so far): away" in outlook.reasons[0]


class SlowUploader(Uploader):
    def __init__(self, work: Path) -> None:
        super().__init__(work)
        self.go_on = asyncio.Event()

    async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
        uploaded = await super().upload(name, data, mime)
        await self.go_on.wait()
        return uploaded


async def test_an_upload_under_way_is_not_the_one_try_that_shows_whether_a_provider_is_back(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(with_editor(home), monkeypatch, fake=SlowUploader, concurrency=2) as works:
        bundle(home, "one", edit())
        await works.until(lambda: len(uploads(works)) == 1)
        works.fake.script("submit", Unreachable("not there"))
        plain = await works.take(order("a car"))
        await works.until(lambda: works.states(plain) == ["completed"])
        breaker = works.execution.gates["fake"].creating
        breaker.failed("away again")
        breaker.begin()  # another item tries whether it is back
        works.fake.go_on.set()  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        assert len(works.fake.calls()) == 2 and "planned" in works.states()  # it is sent after that one, not with it
        breaker.end()
        works.execution.gates["fake"].wake()
        await works.until(lambda: works.states() == ["completed"] * 2)
        assert len(works.fake.calls()) == 3 and len(uploads(works)) == 1


async def test_who_waits_goes_on_waiting_for_the_items_beside_one_that_waits_for_its_upload(
    home: TestHome, monkeypatch: Patch
) -> None:
    async with at_work(home, monkeypatch) as works:
        works.execution.gates["fake"].hold_creates(60)
        made_ = await works.take(order("a [red,blue] car"))
        await works.until(lambda: len(works.items(made_)) == 2)
        index, rests = works.house.books.index, []
        for item in works.items(made_):
            await works.house.books.note_item(item.item_key, f"{UPLOAD_LASTS} (3 tries so far): away")
            (row,) = index.orders()
            rests.append(waiting.outlook(index, row, home.home, works.house.settings.now).rests)
        assert rests == [False, True]


def test_an_upload_host_is_left_alone_ever_longer_and_tried_by_one_at_a_time(monkeypatch: Patch) -> None:
    monkeypatch.setattr(uploading, "AGAIN", 5.0)
    now = [0.0]
    waits = uploading.UploadWaits(lambda: now[0])
    with pytest.raises(AskAgain), waits.trying("fal"):
        raise Unreachable("away")
    pauses, now[0] = [uploading.AGAIN], uploading.AGAIN
    for _ in range(8):
        with pytest.raises(AskAgain) as caught, waits.trying("fal"):
            with pytest.raises(AskAgain), waits.trying("fal"):
                pytest.fail("one at a time")
            raise Unreachable("away")
        after = caught.value.after or 0.0
        pauses.append(after)
        with pytest.raises(AskAgain), waits.trying("fal"):
            pytest.fail("it is left alone")
        with waits.trying("replicate"):
            pass
        now[0] += after
    assert pauses == sorted(pauses) and len(set(pauses[:6])) == 6 and pauses[-1] == uploading.LONGEST
    with waits.trying("fal"):
        pass
    with waits.trying("fal"), waits.trying("fal"):
        pass


async def test_a_refused_key_stops_the_provider_and_the_item_stays_planned(home: TestHome, monkeypatch: Patch) -> None:
    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.append(ProviderStopped("bad key"))

    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script) as works:
        bundle(home, "one", edit())
        order_id = await made(works)
        assert works.states() == ["planned"] and works.committed(order_id) == 0 and works.fake.calls() == []
        assert works.house.books.index.stops()["fake"].reason == "bad key"
        await works.tell("resume")
        await works.until(lambda: works.states() == ["completed"])


async def test_a_refused_picture_fails_its_item_alone_at_no_cost(home: TestHome, monkeypatch: Patch) -> None:
    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.append(CallRefused("too large for us"))

    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script) as works:
        bundle(home, "one", edit(["a.png", "b.png"]), a="red", b="blue")
        order_id = await made(works)
        assert works.states() == ["failed", "completed"] and works.items(order_id)[0].reason == "too large for us"
        assert works.committed(order_id) == 10_000 and len(works.fake.calls()) == 1


@pytest.mark.parametrize("fake", [FakeFactory, Uploader])
@pytest.mark.parametrize("then", ["gone", "changed"])
async def test_a_picture_that_is_not_the_accepted_one_any_more_is_never_sent(
    home: TestHome, monkeypatch: Patch, fake: type[FakeFactory], then: str
) -> None:
    async with at_work(with_editor(home), monkeypatch, fake=fake) as works:
        works.execution.gates["fake"].hold_creates(1000)
        bundle(home, "one", edit())
        await works.until(lambda: works.states() == ["planned"])
        (picture,) = home.home.projects.rglob("inputs/beach.png")
        picture.unlink()
        if then == "changed":
            draw(picture, "red")
        works.execution.gates["fake"].lift()
        await works.until(lambda: works.states() == ["failed"])
        item = works.items(works.house.books.index.orders()[0].id)[0]
        assert "inputs/beach.png" in (item.reason or "") and "Nothing was sent" in (item.reason or "")
        assert works.fake.calls() == [] and getattr(works.fake, "uploads", []) == []


async def test_without_uploads_the_parameter_is_the_path_in_inputs(home: TestHome, monkeypatch: Patch) -> None:
    async with at_work(with_editor(home), monkeypatch) as works:
        bundle(home, "one", edit())
        order_id = await made(works)
        assert sent(works) == [str(home.root / works.folder(order_id) / "inputs" / "beach.png")]


async def test_a_stop_during_an_upload_leaves_the_item_planned_and_the_next_start_makes_it(
    home: TestHome, monkeypatch: Patch
) -> None:
    class Slow(Uploader):
        async def upload(self, name: str, data: bytes, mime: str) -> Uploaded:
            self.uploads.append((name, data, mime))
            await works.daemon.stop.wait()
            await asyncio.sleep(60)
            raise AssertionError

    async with at_work(with_editor(home), monkeypatch, fake=Slow) as works:
        bundle(home, "one", edit())
        await works.until(lambda: uploads(works))
        await works.stop()
        assert works.states() == ["planned"] and works.lines("wish") == []
    async with at_work(with_editor(home), monkeypatch, fake=Uploader) as works:
        await works.until(lambda: works.states() == ["completed"])


async def test_an_upload_that_waits_says_so_until_it_is_sent(home: TestHome, monkeypatch: Patch) -> None:
    async def waits(*given: object) -> None:
        raise AskAgain("The store is busy.", after=0.05)

    async with at_work(home, monkeypatch) as works:
        with monkeypatch.context() as patched:
            patched.setattr("artfactoryd.execution.payload.Calls.of", waits)
            made = await works.take(order("a car"))
            await works.until(lambda: works.items(made) and works.items(made)[0].reason)
            [reason] = waiting.reasons(works.house.books.index, works.order(made), home.home, works.house.settings.now)
            assert "cannot be uploaded just now: The store is busy. It is tried again by itself." in reason
            receipt = home.root / works.folder(made) / "receipt.yaml"
            await works.until(lambda: "The store is busy" in receipt.read_text())
        await works.until(lambda: works.states(made) == ["completed"])
        assert works.items(made)[0].reason is None


@pytest.mark.parametrize("error", [CallRefused("no"), AskAgain("busy", after=30.0), ProviderStopped("no money")])
async def test_a_try_that_ends_before_its_create_leaves_the_next_one_the_way(
    home: TestHome, monkeypatch: Patch, error: Exception
) -> None:
    """The one that was let through while a provider may be away sent nothing: it shows nothing, and blocks nobody."""

    def script(fake: FakeFactory) -> None:
        assert isinstance(fake, Uploader)
        fake.answers.append(error)

    async with at_work(with_editor(home), monkeypatch, fake=Uploader, script=script) as works:
        gate = works.execution.gates["fake"]
        gate.creating.failed("away")
        bundle(home, "one", edit())
        await works.until(lambda: len(uploads(works)) == 1 and works.states())
        await works.until(lambda: not works.execution.flights)
        assert gate.creating.failures == 1 and gate.creating.lets_through
        gate.lift()
        assert gate.free
