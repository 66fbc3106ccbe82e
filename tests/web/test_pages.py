"""The page as a person has it: in a real browser, with the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from artfactoryd.settings import Limits
from tests.homes import TestHome
from tests.web.browser import PROGRAM, WHY_NOT, Browser, chromium
from tests.web.visits import visited
from tests.works import order, quick

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")
HOSTILE = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
NAMELESS = """[...document.querySelectorAll('button, a, input:not([type=hidden]), textarea, summary, img')].filter(
    (one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.alt !== undefined && one.alt !== null
    || one.querySelector('img[alt]')?.alt || one.labels?.length || one.placeholder)).map((one) => one.outerHTML)"""


@pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT)
async def test_a_person_looks_through_decides_and_orders_with_the_keyboard(
    home: TestHome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = Limits(products_per_order=2, free_disk_bytes=1000)
    async with visited(home, monkeypatch, limits=limits) as (works, visitor), chromium(tmp_path / "profile") as browser:
        await browser.open(f"{visitor.address}/")
        await browser.until("document.querySelector('.empty') && typeof look === 'function'")
        await works.make(order(f"[red,blue] {HOSTILE.replace(',', '')}"))
        await browser.until("document.querySelectorAll('.tile img').length === 2")
        await browser.until("[...document.querySelectorAll('.tile img')].every((one) => one.naturalWidth)")
        await looked_through(browser)
        newest, older = works.house.books.index.newest_products(2)
        assert (newest.liked, newest.rating, older.tags) == (True, 4, ["rejected"])
        held = await works.take(order("a [red,blue,green] boat"), "boats.yaml")
        await browser.until("document.querySelector('#held .card')")
        await browser.run("document.querySelector('#held [aria-label=\"Approve boats\"]').click()")
        await browser.until("document.querySelector('#ask').open")
        assert "$0.03" in await browser.run("document.querySelector('#ask-words').textContent")
        assert works.state(held) == "held"
        await browser.run("document.querySelector('#ask [value=yes]').click()")
        await works.until(lambda: works.state(held) == "completed")
        await browser.until("document.querySelectorAll('.tile').length === 5")
        assert await browser.run(NAMELESS) == []
        for width, scheme in ((375, "dark"), (1200, "light")):
            await browser.open(f"{visitor.address}/?q=boat", width, scheme)
            await browser.until("document.querySelectorAll('.tile').length === 3")
            assert await browser.run("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"
        await written(browser, visitor.address)
        await works.until(lambda: len(works.house.books.index.orders()) == 3)
        assert await browser.run("window.hacked") is None and browser.troubles == []


async def looked_through(browser: Browser) -> None:
    """The first is liked and rated, the next left out."""
    await browser.run("document.querySelector('.tile a').focus()")
    await browser.press("ArrowRight")
    assert await browser.run("document.activeElement.closest('.tile') === document.querySelectorAll('.tile')[1]")
    await browser.run("document.querySelector('.tile a').click()")
    await browser.until("document.querySelector('#viewer').open")
    assert HOSTILE in await browser.run("document.querySelector('.prompt').textContent")
    await browser.press("l")
    await browser.until("document.querySelector('#viewer [data-liked=\"1\"]')")
    await browser.press("4")
    await browser.until(
        "document.querySelector('#viewer .picture').dataset.id !== grid.querySelector('.tile').dataset.id"
    )
    await browser.press("x")
    await browser.until("document.querySelectorAll('.tile')[1].classList.contains('out')")
    await browser.press("ArrowLeft")
    await browser.until("document.querySelector('#viewer [data-rating=\"4\"]')")
    await browser.press("c")
    await browser.until("document.querySelectorAll('#viewer .picture').length === 2")
    await browser.run("document.querySelector('#viewer .close').click()")
    await browser.until("!document.querySelector('#viewer').open && document.activeElement.closest('.tile')")


async def written(browser: Browser, address: str) -> None:
    """Wrong first, with the line told, then right."""
    await browser.open(f"{address}/write")
    await browser.until("document.querySelector('.plan')")
    wrong = "provider: fake\\nmodel: painter\\nparameters: {prompt: 1, x: 2}\\n"
    right = order("a <b>fox</b>").replace("\n", "\\n").replace(chr(34), '\\"')
    write = "const t = document.querySelector('#order-text'); t.value = \"{}\"; t.dispatchEvent(new Event('input'))"
    await browser.run(f"{{ {write.format(wrong)} }}")
    await browser.until("document.querySelector('#plan [data-line=\"3\"]') && document.querySelector('#put').disabled")
    await browser.run(f"{{ {write.format(right)} }}")
    await browser.until("!document.querySelector('#put').disabled && document.querySelector('.items p')")
    assert await browser.run("document.querySelector('.items p').textContent") == "a <b>fox</b>"
    await browser.run("document.querySelector('#put').click()")
    await browser.until("location.pathname === '/'")
