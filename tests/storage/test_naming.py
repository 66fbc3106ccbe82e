"""One rule for naming an order and one for a product, in every command, in the daemon and on the status page."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from artfactoryd.cli import main
from artfactoryd.errors import AmbiguousName, NoSuchOrder, NoSuchProduct
from artfactoryd.live_settings import LiveSettings
from artfactoryd.reporting.why import why as why_of
from artfactoryd.settings import Settings
from artfactoryd.storage import naming
from artfactoryd.storage.index import Index
from artfactoryd.web.queries import Reads
from tests.homes import TestHome, card_of
from tests.works import at_work, order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")


@dataclass(frozen=True)
class Three:
    """A home with two orders called cars, the older first, and one called boats; a product each, 0001.png."""

    home: TestHome
    orders: tuple[str, str, str]
    folders: tuple[str, str, str]
    products: tuple[str, str, str]
    paths: tuple[str, str, str]

    def call(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["--home", str(self.home.root), *words])


@pytest_asyncio.fixture
async def three(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Three]:
    async with at_work(home, monkeypatch) as works:
        made = [
            await works.make(order("a red car", file="{index:04d}.{ext}", project="red")),
            await works.make(order("a blue car", file="{index:04d}.{ext}", project="blue")),
            await works.make(order("a boat", file="{index:04d}.{ext}"), "boats.yaml"),
        ]
        index = works.house.books.index
        folders = [str(works.order(each).folder) for each in made]
        products = sorted(index.newest_products(3), key=lambda product: made.index(product.order_id))
        await works.stop()
    ids, paths = [product.id for product in products], [product.path for product in products]
    yield Three(home, *(tuple(each) for each in (made, folders, ids, paths)))  # type: ignore[arg-type]


HELD = "provider: local\nmodel: sketch\nlimit: 1\nparameters: {prompt: 'a [red,blue] car', width: 64, height: 64}\n"
NAMED_HELD = ["cars.yaml", "cars.yaml.why.txt", "Held/cars.yaml", "cars-2.yaml", "boats", "boats.why.txt"]


def test_what_status_shows_under_held_is_a_name_of_it(home: TestHome, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("boats", "box"):
        (home.home.inbox / folder).mkdir()
    for file in ("boats/order.yaml", "cars.yaml", "box/cars.yaml"):
        home.drop(file, HELD)
    home.drop("tä.yaml", f"{HELD}---\n{HELD.replace('car', 'bus')}")
    assert home.once() == 3
    monkeypatch.chdir(home.root)
    ids = set()
    for name in NAMED_HELD:
        (row,) = naming.orders_named(home.index, naming.order_given(home.home, name))
        assert row.entry == name.removeprefix("Held/").removesuffix(".why.txt")
        ids.add(row.id)
    assert len(ids) == 3
    assert "boats" in why_of(home.home, home.index, Settings(), "Held/boats/order.yaml")[0]
    assert home.call("cancel", "cars-2.yaml").returncode == 0
    assert "tä-1 and tä-2 are cancelled" in home.call("cancel", unicodedata.normalize("NFD", "tä.yaml")).stdout
    assert sorted(path.name for path in home.home.held.glob("[!.]*.yaml")) == ["cars.yaml"]


READING = [("order",), ("why",), ("logs", "-n", "1", "--order")]
STEERING = [("approve",), ("cancel",), ("retry",), ("pause",), ("resume",)]


def beginning(wanted: str, all_ids: tuple[str, ...]) -> str:
    """The shortest that no other of them begins with, as a person would cut it."""
    return next(wanted[:n] for n in range(4, 36) if sum(other.startswith(wanted[:n]) for other in all_ids) == 1)


@pytest.mark.parametrize("words", READING, ids=lambda words: words[0])
def test_who_only_looks_names_an_order_by_id_beginning_path_or_name(three: Three, words: tuple[str, ...]) -> None:
    boats, folder = three.orders[2], three.folders[2]
    begins = beginning(boats, three.orders + three.products)
    for name in (boats, boats.upper(), begins, folder, f"{folder}/", str(three.home.root / folder), "boats"):
        done = three.call(*words, name)
        assert done.exit_code == 0, (name, done.output)
        assert words[0] == "logs" or boats in done.output, (name, done.output)


@pytest.mark.parametrize("words", READING, ids=lambda words: words[0])
def test_who_only_looks_is_shown_the_list_or_takes_the_latest(three: Three, words: tuple[str, ...]) -> None:
    older, newer, other = three.orders
    asked = three.call(*words, "cars")
    assert asked.exit_code == 2 and asked.output.index(newer) < asked.output.index(older)
    assert other not in asked.output and "red/cars" in asked.output and "--latest" in asked.output
    done = three.call(*words, "cars", "--latest")
    assert done.exit_code == 0
    assert words[0] == "logs" or (newer in done.output and older not in done.output)


@pytest.mark.parametrize("words", [("order",), ("logs", "--order")], ids=lambda words: words[0])
def test_an_order_that_is_not_there_is_said(three: Three, words: tuple[str, ...]) -> None:
    for name in ("carz", "0000", "Projects/nowhere"):
        done = three.call(*words, name)
        assert done.exit_code == 2 and f"There is no order {name!r}. `artfactoryd orders` lists them." in done.output


@pytest.mark.parametrize("words", STEERING, ids=lambda words: words[0])
def test_who_steers_names_an_order_by_the_same_rule(three: Three, words: tuple[str, ...]) -> None:
    older, newer, boats = three.orders
    begins = beginning(boats, three.orders)
    for name in (boats, begins, three.folders[2], str(three.home.root / three.folders[2]), "boats"):
        answer = three.call(*words, name).output
        assert "boats" in answer and "There is no order" not in answer, (name, answer)
    several, nothing = three.call(*words, "cars"), three.call(*words, "carz")
    assert several.exit_code == nothing.exit_code == 2
    assert newer in several.output and older in several.output and "--latest" not in several.output
    assert "There is no order 'carz'." in nothing.output


def test_nothing_is_done_to_any_order_of_a_name_that_several_have(three: Three) -> None:
    three.call("cancel", "cars")
    assert {each["status"] for each in json.loads(three.call("orders", "--json").output)["orders"]} == {"completed"}


@pytest.mark.parametrize("words", [("explain",), ("like",), ("tag", "+x"), ("remake",)], ids=lambda words: words[0])
def test_a_product_is_named_by_id_beginning_or_path(
    three: Three, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    product, path = three.products[0], three.paths[0]
    monkeypatch.chdir((three.home.root / path).parent)
    for name in (
        product, beginning(product, three.products), f"product:{product}", path, str(three.home.root / path),
        "0001.png", "./0001.png", "sidecars/0001.png.json",
    ):  # fmt: skip
        assert three.call(*words, name).exit_code == 0, (name, three.call(*words, name).output)


@pytest.mark.parametrize("words", [("explain",), ("like",), ("tag", "+x"), ("remake",)], ids=lambda words: words[0])
def test_a_file_name_that_several_products_have_is_told_with_the_list(three: Three, words: tuple[str, ...]) -> None:
    done = three.call(*words, "0001.png")
    assert done.exit_code == 2
    assert all(product in done.output for product in three.products) and all(
        path in done.output for path in three.paths
    )
    unknown = three.call(*words, "0007.png")
    assert unknown.exit_code == done.exit_code and "There is no product '0007.png'." in unknown.output


def test_of_several_products_the_latest_is_explained(three: Three) -> None:
    assert three.products[2] in three.call("explain", "0001.png", "--latest").output
    assert three.products[1] in three.call("explain", three.products[1][:20], "--latest").output


def test_a_product_whose_file_is_gone_is_told_of_by_its_path(three: Three) -> None:
    path = three.home.root / three.paths[2]
    path.unlink()
    card_of(path).unlink()
    assert f"{three.paths[2]} is no longer on the shelf" in three.call("explain", str(path)).output
    assert "is product 1 of order boats" in three.call("why", str(path)).output


async def test_the_status_page_names_an_order_by_the_same_rule(three: Three) -> None:
    reads = Reads(three.home.home, LiveSettings(three.home.home, Settings(), {}))
    with pytest.raises(AmbiguousName) as caught:
        await reads.items("cars", 0, 10)
    assert caught.value.candidates == (three.orders[1], three.orders[0])
    assert (await reads.items("boats", 0, 10)).order_id == three.orders[2]
    with pytest.raises(NoSuchOrder):
        await reads.items("carz", 0, 10)
    reads.close()


def test_an_id_in_full_is_that_order_whatever_is_called_so(three: Three) -> None:
    index = Index.look(three.home.home.index_file)
    assert naming.order_named(index, three.orders[0]).id == three.orders[0]
    assert naming.product_named(index, three.products[0]).id == three.products[0]
    with pytest.raises(NoSuchProduct):
        naming.product_named(index, "")
    with pytest.raises(NoSuchOrder):
        naming.order_named(None, "cars")
    index.close()


async def test_an_order_is_named_as_lists_show_it_and_a_held_one_by_its_entry(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(home, monkeypatch) as works:
        red = await works.make(order("a red car", project="red"))
        await works.make(order("a blue car", project="blue"))
        held = await works.make(order("a [1,2,3] boat", limit=1), "boats.yaml")
        index, entry = works.house.books.index, home.home.held / "boats.yaml"
        assert entry.exists() and works.order(held).is_held
        assert naming.order_named(index, "red/cars").id == red
        for given in (str(entry), "Held/boats.yaml"):
            assert naming.order_named(index, naming.order_given(home.home, given)).id == held
        with pytest.raises(NoSuchOrder):
            naming.order_named(index, "Held/cars.yaml")
        with pytest.raises(NoSuchOrder):
            naming.order_named(index, "green/cars")


async def test_a_whole_path_means_what_lies_there_whatever_is_called_so(
    home: TestHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project called Held with an order boats.yaml, beside a held order whose entry is Held/boats.yaml."""
    async with at_work(home, monkeypatch) as works:
        named = await works.make(order("a boat", project="Held", name="boats.yaml"), "one.yaml")
        held = await works.make(order("a [1,2,3] boat", limit=1), "boats.yaml")
        index, entry = works.house.books.index, home.home.held / "boats.yaml"
        with pytest.raises(AmbiguousName):
            naming.order_named(index, naming.order_given(home.home, "Held/boats.yaml"))
        for path, order_id in ((entry, held), (home.root / works.folder(named), named)):
            assert naming.order_named(index, naming.order_given(home.home, str(path))).id == order_id
        (home.home.held / "other.yaml").write_text("x")
        with pytest.raises(NoSuchOrder):
            naming.order_named(index, naming.order_given(home.home, str(home.home.held / "other.yaml")))


def test_a_list_of_what_is_meant_tells_the_time_and_state_of_each(three: Three) -> None:
    older, newer, _ = three.orders
    lines = [line.split() for line in three.call("order", "cars").output.splitlines()[1:]]
    assert [(line[0], line[3], line[4]) for line in lines] == [
        (newer, "completed", "blue/cars"), (older, "completed", "red/cars"),
    ]  # fmt: skip
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d", line[2]) for line in lines)
    lines = [line.split() for line in three.call("explain", "0001.png").output.splitlines()[1:]]
    assert len(lines) == 3 and all(line[3] == "product" and ":" in line[2] for line in lines)
