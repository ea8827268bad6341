"""Tests the navigation in report.html: contents, scroll positions, sorting, empty tables and print."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders.document.pdf import page_texts

Open = Callable[..., Any]
SCREEN = 900
PHONE = {"width": 390, "height": 844}
FOLLOW_CONTENTS = """() => Array.from(document.querySelectorAll(".contents a"), (link) => {
  const contents = document.querySelector(".contents details"), target = link.getAttribute("href");
  if (!contents.open) contents.querySelector("summary").click();
  link.click();
  return [target, document.querySelector(target).getBoundingClientRect().top, contents.open];
})"""
"""Script that clicks each link of the contents; returns link, distance of its target from the top, contents open."""
PAGE_HEIGHT = "document.documentElement.scrollHeight"


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": SCREEN}, PHONE])
def test_closing_a_finding_keeps_the_scroll_position(opened: Open, viewport: dict[str, int]) -> None:
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


def test_closing_a_linked_finding_scrolls_to_the_table(opened: Open) -> None:
    link = opened("demo").locator(".changed a").first.get_attribute("href")
    tab = opened("demo", link)
    tab.wait_for_selector("#one[open]")
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#one", state="hidden")
    assert tab.evaluate("Math.abs(document.getElementById('all').getBoundingClientRect().top)") < SCREEN / 3


def test_skip_link_leads_to_the_table_of_findings(opened: Open) -> None:
    tab = opened("demo")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "all-h"
    assert 0 <= tab.evaluate("document.activeElement.getBoundingClientRect().top") < SCREEN
    assert tab.evaluate("document.activeElement.getBoundingClientRect().height") < 100
    without_script = opened("demo", java_script_enabled=False)
    target = str(without_script.get_attribute(".skip", "href"))
    assert without_script.locator(target).inner_text() == "Findings"


def test_first_click_on_money_sorts_descending_with_blanks_last(opened: Open) -> None:
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


def test_table_without_prices_has_no_column_of_money(opened: Open) -> None:
    tab = opened("unpriced")
    assert tab.locator("#pane thead button").all_inner_texts() == ["Severity", "Who or what", "Finding"]
    assert tab.locator("#pane tr[data-item]").first.locator("th, td").count() == 4
    tab.select_option("[data-key=group]", "policy")
    assert tab.locator("#pane tr.by th").first.get_attribute("colspan") == "4"


def test_search_without_results_shows_a_message(opened: Open) -> None:
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
def test_contents_stay_visible_and_link_to_every_section(opened: Open, width: int) -> None:
    tab = opened("demo", viewport={"width": width, "height": SCREEN})
    tab.evaluate("scrollTo(0, 4000)")
    box = tab.locator(".contents details").bounding_box()
    assert 0 <= box["y"] < SCREEN / 5
    assert box["x"] + box["width"] <= width
    if width != 1920:
        tab.locator(".contents summary").click()
    tab.locator(".contents a").last.click()
    links = tab.evaluate(FOLLOW_CONTENTS)
    assert len(links) > 5
    assert [target for target, top, open_ in links if not -1 <= top <= SCREEN or open_ is not (width == 1920)] == []
    tab.emulate_media(media="print")
    assert not tab.is_visible(".contents")


@pytest.mark.parametrize(("viewport", "screens"), [({"width": 1280, "height": SCREEN}, 16), (PHONE, 30)])
def test_page_height_is_limited_and_contents_close_with_escape(
    opened: Open, viewport: dict[str, int], screens: int
) -> None:
    """Lists show the most important rows and collapse the rest; before, the page had 26 screens (51 on a phone)."""
    tab = opened("demo", viewport=viewport)
    assert tab.evaluate(PAGE_HEIGHT) <= screens * viewport["height"]
    tab.locator(".contents summary").click()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Escape")
    assert tab.evaluate("document.querySelector('.contents details').open") is False
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_link_into_a_collapsed_list_expands_it(opened: Open) -> None:
    anchor = opened("demo").locator(".fold details.group").last.get_attribute("id")
    tab = opened("demo", f"#{anchor}")
    assert tab.locator(f"#{anchor} .inside").is_visible()


@pytest.mark.parametrize(("viewport", "screens"), [({"width": 1280, "height": SCREEN}, 5), (PHONE, 10)])
@pytest.mark.parametrize("script", [True, False])
def test_tenants_of_a_fleet_are_closed_until_linked_to_or_printed(
    opened: Open, viewport: dict[str, int], screens: int, tmp_path: Path, *, script: bool
) -> None:
    tab = opened("fleet", viewport=viewport, java_script_enabled=script)
    assert tab.evaluate(PAGE_HEIGHT) <= screens * viewport["height"]
    tab.click(".fleet a[href='#t-t4']")
    assert [tab.locator(f"#t-t{number}").is_visible() for number in (3, 4, 5)] == [False, True, False]
    assert 0 < tab.locator("#t-t4-h").bounding_box()["y"] < tab.locator("#t-t4").bounding_box()["y"] < SCREEN / 4
    tab.pdf(path=tmp_path / "report.pdf", format="A4")
    assert len(re.findall("What to do(?! first)", " ".join(page_texts(tmp_path / "report.pdf")))) == 10


@pytest.mark.slow
def test_print_starts_with_the_management_summary(opened: Open, tmp_path: Path) -> None:
    tab = opened("demo")
    for paper in ("A4", "Letter"):
        tab.pdf(path=tmp_path / "report.pdf", format=paper)
        pages = [" ".join(page.split()) for page in page_texts(tmp_path / "report.pdf")]
        assert len(pages) <= 12, "lists collapsed on the screen are collapsed in print"
        assert all(len(page) > 500 for page in pages[:-1]), "no page is empty"
        first_detail_page = next(number for number, text in enumerate(pages) if "Changed since" in text)
        assert first_detail_page >= 1
        assert pages[first_detail_page].startswith("Contoso Retail")
        for phrase in ("Open findings", "Monthly cost", "What to do first", "Tenants"):
            assert phrase in " ".join(pages[:first_detail_page])
        assert "Contents" not in pages[0]
