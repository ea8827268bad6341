"""plan.html in a real browser: every width, both schemes, paper, without a mouse."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest

from tests.builders.document.pdf import page_texts
from tests.builders.service.command_line import AS_OF, call

Open = Callable[..., Any]
EXPAND = "document.querySelectorAll('details').forEach(each => { each.open = true })"


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a language to the page of the demo's plan; each is written once."""
    folder = tmp_path_factory.mktemp("plans")

    def written(locale: str) -> Path:
        file = folder / f"{locale}.html"
        if not file.exists():
            ran = call("plan", "--demo", "--as-of", AS_OF, "-q", "--locale", locale, "-f", f"html={file}", cwd=folder)
            assert ran.code == 0, ran.err
        return file

    return written


@pytest.fixture
def opened(chromium: Any, page_of: Callable[[str], Path]) -> Iterator[Open]:
    """Return a function that opens the page; at the end nothing may have been loaded or complained about."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def open_(hash_: str = "", *, locale: str = "en", **options: Any) -> Any:
        given = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        contexts.append(chromium.new_context(**{**given, **options}))
        tab = contexts[-1].new_page()
        address = page_of(locale).as_uri()
        tab.on("request", lambda request: wrong.extend({request.url.split("#")[0]} - {address}))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.goto(address + hash_)
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "de"])
def test_the_page_is_short_until_an_action_is_opened_and_never_wider_than_the_screen(opened: Open, locale: str) -> None:
    tab = opened(locale=locale)
    for width, most in ((1280, 14_000), (390, 24_000), (320, 28_000)):
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollHeight") < most, width
        tab.evaluate(EXPAND)
        assert tab.evaluate("document.documentElement.scrollHeight") > most, width
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.evaluate(EXPAND.replace("true", "false"))


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "tr"])
def test_axe_finds_nothing(opened: Open, axe: str, locale: str) -> None:
    tab = opened(locale=locale, bypass_csp=True)
    tab.evaluate(EXPAND)
    tab.evaluate(axe)
    find = """async (rules) => (await axe.run({rules})).violations.map(
      (one) => [one.id, one.nodes.slice(0, 3).map((node) => node.html)])"""
    colours = locale == "en"  # they are the same in every language
    for scheme in ("light", "dark") if colours else ("light",):
        tab.emulate_media(color_scheme=scheme)
        assert tab.evaluate(find, {"color-contrast": {"enabled": colours}}) == [], scheme


@pytest.mark.slow
def test_a_link_opens_the_action_that_it_names(opened: Open) -> None:
    tab = opened()
    here = (
        "place => { const box = document.querySelector(place).getBoundingClientRect(); return [box.top, box.height] }"
    )
    for anchor in tab.eval_on_selector_all(".first-actions a", "links => links.map(link => link.getAttribute('href'))"):
        tab.click(f".first-actions a[href='{anchor}']")
        tab.wait_for_function("place => document.querySelector(place).getBoundingClientRect().height > 0", arg=anchor)
        top, _ = tab.evaluate(here, anchor)
        assert 0 < top < 900, anchor
    assert opened("#t1-run").evaluate(here, "#t1-run")[0] < 900


@pytest.mark.slow
def test_the_keyboard_opens_actions_and_reaches_answers(opened: Open) -> None:
    tab = opened()
    tab.focus("#t1-decide ~ details summary")
    tab.keyboard.press("Enter")
    for _ in range(30):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.matches('.answers pre')"):
            break
    assert tab.evaluate("document.activeElement.matches('.answers pre')")
    assert "answer: {" in tab.evaluate("document.activeElement.textContent")


@pytest.mark.slow
def test_paper_has_every_action_with_its_people_in_black_on_white(opened: Open, tmp_path: Path) -> None:
    tab = opened(color_scheme="dark")
    titles = tab.eval_on_selector_all(".act > summary .name", "all => all.map(each => each.textContent)")
    people = tab.eval_on_selector_all(
        ".concerns span", "all => all.map(each => each.textContent).filter(each => /^[ -~]+$/.test(each))"
    )
    tab.pdf(path=tmp_path / "plan.pdf", format="A4")
    text = "".join(normalize("NFKC", "".join(page_texts(tmp_path / "plan.pdf"))).split())  # ligatures into letters
    assert len(titles) > 60
    assert [name for name in (*titles, *people) if "".join(normalize("NFKC", name).split()) not in text] == []
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
