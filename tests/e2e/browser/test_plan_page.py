"""Tests plan.html in Chromium: screen widths, colour schemes, print and keyboard."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from tests.builders.document.pdf import page_texts
from tests.builders.service.chromium import watched
from tests.builders.service.command_line import AS_OF, expect

pytestmark = pytest.mark.slow
Open = Callable[..., Any]
EXPAND = "document.querySelectorAll('details').forEach(element => { element.open = true })"


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a language to the page of the demo's plan; each page is written once."""
    folder = tmp_path_factory.mktemp("plans")

    def plan_file(locale: str) -> Path:
        file = folder / f"{locale}.html"
        if not file.exists():
            expect(0, "plan", "--demo", "--as-of", AS_OF, "-q", "--locale", locale, "-f", f"html={file}", cwd=folder)
        return file

    return plan_file


@pytest.fixture
def opened(chromium: Any, page_of: Callable[[str], Path]) -> Iterator[Open]:
    """Return a function that opens the page; afterwards, fail if a page made requests or logged messages."""
    with watched(chromium) as open_page:
        yield lambda hash_="", *, locale="en", **options: open_page(page_of(locale), hash_, **options)


@pytest.mark.parametrize("locale", ["en", "de"])
def test_collapsed_page_is_short_and_never_wider_than_the_screen(opened: Open, locale: str) -> None:
    tab = opened(locale=locale)
    for width, max_height in ((1280, 14_000), (390, 24_000), (320, 28_000)):
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollHeight") < max_height, width
        tab.evaluate(EXPAND)
        assert tab.evaluate("document.documentElement.scrollHeight") > max_height, width
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.evaluate(EXPAND.replace("true", "false"))


@pytest.mark.parametrize("locale", ["en", "tr"])
def test_plan_page_passes_axe(opened: Open, axe: str, locale: str) -> None:
    tab = opened(locale=locale, bypass_csp=True)
    tab.evaluate(EXPAND)
    tab.evaluate(axe)
    find = """async (rules) => (await axe.run({rules})).violations.map(
      (violation) => [violation.id, violation.nodes.slice(0, 3).map((node) => node.html)])"""
    colours = locale == "en"  # colours are the same in every language
    for scheme in ("light", "dark") if colours else ("light",):
        tab.emulate_media(color_scheme=scheme)
        assert tab.evaluate(find, {"color-contrast": {"enabled": colours}}) == [], scheme


def test_link_opens_its_action(opened: Open) -> None:
    tab = opened()
    top_and_height = (
        "place => { const box = document.querySelector(place).getBoundingClientRect(); return [box.top, box.height] }"
    )
    for anchor in tab.eval_on_selector_all(".first-actions a", "links => links.map(link => link.getAttribute('href'))"):
        tab.click(f".first-actions a[href='{anchor}']")
        tab.wait_for_function("place => document.querySelector(place).getBoundingClientRect().height > 0", arg=anchor)
        top, _ = tab.evaluate(top_and_height, anchor)
        assert 0 < top < 900, anchor
    assert opened("#t1-run").evaluate(top_and_height, "#t1-run")[0] < 900


def test_keyboard_opens_actions_and_reaches_answers(opened: Open) -> None:
    tab = opened()
    tab.focus("#t1-decide ~ details summary")
    tab.keyboard.press("Enter")
    for _ in range(30):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('.answers code')"):
            break
        if tab.evaluate("document.activeElement.matches('.answers summary')"):
            tab.keyboard.press("Enter")  # several questions have this answer
    assert tab.evaluate("document.activeElement.matches('.answers code')")
    assert "answer: {" in tab.evaluate("document.activeElement.textContent")


def test_print_has_all_actions_and_people_in_black_on_white(opened: Open, tmp_path: Path) -> None:
    tab = opened(color_scheme="dark")
    titles = tab.eval_on_selector_all(".act > summary .name", "all => all.map(element => element.textContent)")
    people = tab.eval_on_selector_all(
        ".concerns span", "all => all.map(element => element.textContent).filter(text => /^[ -~]+$/.test(text))"
    )
    tab.pdf(path=tmp_path / "plan.pdf", format="A4")
    text = "".join(
        normalize("NFKC", "".join(page_texts(tmp_path / "plan.pdf"))).split()
    )  # splits ligatures into letters
    assert len(titles) > 60
    assert [name for name in (*titles, *people) if "".join(normalize("NFKC", name).split()) not in text] == []
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
