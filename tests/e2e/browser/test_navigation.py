"""Where a reader stands on the page: contents, opening and closing findings, sorting, empty tables, paper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders.document.pdf import page_texts

Open = Callable[..., Any]
SCREEN = 900
PHONE = {"width": 390, "height": 844}
FOLLOWED = """() => Array.from(document.querySelectorAll(".contents a"), (link) => {
  const contents = document.querySelector(".contents details"), target = link.getAttribute("href");
  if (!contents.open) contents.querySelector("summary").click();
  link.click();
  return [target, document.querySelector(target).getBoundingClientRect().top, contents.open];
})"""
"""Each link of the contents, how far from the top its part is once the link is clicked, and whether the contents are open."""
TALL = "document.documentElement.scrollHeight"


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": SCREEN}, PHONE])
def test_closing_a_finding_leaves_the_reader_where_they_were(opened: Open, viewport: dict[str, int]) -> None:
    tab = opened("demo", viewport=viewport)
    for selector in ("#pane tr[data-item] th a", ".changed a"):
        link = tab.locator(selector).nth(2)
        link.scroll_into_view_if_needed()
        before = tab.evaluate("scrollY")
        link.click()
        tab.wait_for_selector("#one[open]")
        assert tab.evaluate("scrollY") == before
        tab.locator("#one button:not(.waive)").click()
        tab.wait_for_selector("#one", state="hidden")
        assert tab.evaluate("scrollY") == before
        link.press("Enter")
        tab.wait_for_selector("#one[open]")
        tab.go_back()
        tab.wait_for_selector("#one", state="hidden")
        assert tab.evaluate("scrollY") == before


def test_an_address_of_a_finding_ends_at_the_table(opened: Open) -> None:
    link = opened("demo").locator(".changed a").first.get_attribute("href")
    tab = opened("demo", link)
    tab.wait_for_selector("#one[open]")
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#one", state="hidden")
    assert tab.evaluate("Math.abs(document.getElementById('all').getBoundingClientRect().top)") < SCREEN / 3


def test_the_skip_link_ends_at_the_table_of_findings(opened: Open) -> None:
    tab = opened("demo")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "all-h"
    assert 0 <= tab.evaluate("document.activeElement.getBoundingClientRect().top") < SCREEN
    assert tab.evaluate("document.activeElement.getBoundingClientRect().height") < 100
    bare = opened("demo", java_script_enabled=False)
    target = str(bare.get_attribute(".skip", "href"))
    assert bare.locator(target).inner_text() == "Findings"


def test_the_first_click_on_money_puts_the_largest_first_and_blanks_last(opened: Open) -> None:
    tab = opened("demo")
    amounts = "Array.from(document.querySelectorAll('#pane tr[data-item] td.n'), e => e.textContent)"
    tab.locator("th[data-sort=month] button").click()
    assert tab.get_attribute("th[data-sort=month]", "aria-sort") == "descending"
    first = [float(text.strip("€").replace(",", "")) for text in tab.evaluate(amounts) if text]
    assert first == sorted(first, reverse=True)
    assert first[0] > 300
    tab.locator("th[data-sort=month] button").click()
    assert tab.get_attribute("th[data-sort=month]", "aria-sort") == "ascending"
    assert tab.evaluate(amounts)[0], "a finding without a price does not come first"
    tab.locator("th[data-sort=month] button").click()
    assert tab.get_attribute("th[data-sort=month]", "aria-sort") is None


def test_no_hits_says_so(opened: Open) -> None:
    tab = opened("demo")
    assert not tab.is_visible("#nothing")
    tab.fill("[data-key=q]", "nothing is called so")
    tab.wait_for_selector("#nothing:not([hidden])")
    assert "Clear the filters" in tab.inner_text("#nothing")
    assert not tab.is_visible("#pane thead")
    tab.locator("#clear").click()
    tab.wait_for_selector("#nothing", state="hidden")
    assert tab.is_visible("#pane thead")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_contents_stay_in_sight_and_lead_to_every_part(opened: Open, width: int) -> None:
    tab = opened("demo", viewport={"width": width, "height": SCREEN})
    tab.evaluate("scrollTo(0, 4000)")
    box = tab.locator(".contents details").bounding_box()
    assert 0 <= box["y"] < SCREEN / 5
    assert box["x"] + box["width"] <= width
    if width != 1920:
        tab.locator(".contents summary").click()
    tab.locator(".contents a").last.click()
    followed = tab.evaluate(FOLLOWED)
    assert len(followed) > 5
    assert [target for target, top, open_ in followed if not -1 <= top <= SCREEN or open_ is not (width == 1920)] == []
    tab.emulate_media(media="print")
    assert not tab.is_visible(".contents")


@pytest.mark.parametrize(("viewport", "screens"), [({"width": 1280, "height": SCREEN}, 16), (PHONE, 30)])
def test_the_page_is_a_few_screens_tall_and_its_contents_close_with_escape(
    opened: Open, viewport: dict[str, int], screens: int
) -> None:
    """It was 26 screens on a desk and 51 on a phone: lists show what matters most and fold the rest."""
    tab = opened("demo", viewport=viewport)
    assert tab.evaluate(TALL) <= screens * viewport["height"]
    tab.locator(".contents summary").click()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.querySelector('.contents details').open") is False
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_link_into_a_folded_list_unfolds_it(opened: Open) -> None:
    anchor = opened("demo").locator(".fold details.group").last.get_attribute("id")
    tab = opened("demo", f"#{anchor}")
    assert tab.locator(f"#{anchor} .inside").is_visible()


@pytest.mark.slow
def test_two_pages_for_management_come_first_on_paper(opened: Open, tmp_path: Path) -> None:
    tab = opened("demo")
    for paper in ("A4", "Letter"):
        tab.pdf(path=tmp_path / "report.pdf", format=paper)
        pages = [" ".join(page.split()) for page in page_texts(tmp_path / "report.pdf")]
        assert len(pages) <= 12, "what is folded on the screen is folded on paper"
        assert all(len(page) > 500 for page in pages[:-1]), "no page is empty"
        begins = next(number for number, text in enumerate(pages) if "Changed since" in text)
        assert begins >= 1
        assert pages[begins].startswith("Contoso Retail")
        for phrase in ("Open findings", "Money a month", "What matters most", "Tenants"):
            assert phrase in " ".join(pages[:begins])
        assert "Contents" not in pages[0]
