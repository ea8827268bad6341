"""Tests report.html in Chromium: first screen, print, high contrast, keyboard, accessibility, and all languages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from tests.builders.document.pdf import page_texts
from tests.builders.result.audited_demo import large_result
from tests.builders.result.results import result
from tests.localization.catalogue_messages import LANGUAGES

Open = Callable[..., Any]
EN = Labels("en")
AXE_LOCALES = ("en", "de", "tr")
BROKEN_CELLS = """(width) => { const bad = [], seen = document.createRange();
  for (const cell of document.querySelectorAll(".fleet th, .fleet td, .waiver-table th, .waiver-table td, .policies > tbody td, .policies th")) {
    if (cell.closest("thead") && cell.closest("thead").getBoundingClientRect().width < 2) continue;
    if (cell.getBoundingClientRect().right > width + 1) bad.push(["beyond the edge", cell.textContent]);
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) for (const word of text.data.matchAll(/[\\p{L}\\d]{3,14}/gu)) {
      seen.setStart(text, word.index); seen.setEnd(text, word.index + word[0].length);
      if (new Set(Array.from(seen.getClientRects(), (box) => Math.round(box.top))).size > 1) bad.push(["broken", word[0]]);
    } }
  return bad; }"""
"""Script that returns cells beyond the edge of the screen, and words of usual length that are broken over two lines."""
WRAPPED_COUNTS = """() => Array.from(document.querySelectorAll(".fleet td .badge")).filter((badge) => {
  const count = document.createRange();
  count.selectNode(badge.nextSibling);
  const box = badge.getBoundingClientRect(), number = Array.from(count.getClientRects()).pop();
  return number.top > box.bottom || number.bottom < box.top;
}).length"""
"""Script that returns the number of severity badges whose count is on another line."""
BOTTOMS = "sel => Array.from(document.querySelectorAll(sel), element => element.getBoundingClientRect().bottom)"


def assert_first_screen(tab: Any, locale: str, sums: int) -> None:
    """Assert that the outcome, the money and all five actions are above the fold."""
    assert tab.get_attribute("html", "lang") == locale
    assert len(tab.evaluate(BOTTOMS, ".matters li")) == 5
    assert len(tab.evaluate(BOTTOMS, ".sums > div")) == sums
    for part in ("h1", ".complete", ".counts", ".sums > div", ".matters li"):
        assert max(tab.evaluate(BOTTOMS, part)) <= 900, part
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280


def test_first_screen_of_a_phone_shows_outcome_and_first_action(opened: Open) -> None:
    tab = opened("demo", viewport={"width": 390, "height": 844})
    for part in ("h1", ".complete", ".counts", ".matters li:first-child"):
        assert max(tab.evaluate(BOTTOMS, part)) <= 844, part
    cut = "document.querySelectorAll('.matters .title').forEach(e => { if (e.scrollHeight > e.clientHeight + 1) throw e })"
    tab.evaluate(cut)


def test_rows_of_findings_name_their_tenant_at_every_width(opened: Open) -> None:
    tab = opened("demo")
    for width in (390, 1280):
        tab.set_viewport_size({"width": width, "height": 844})
        tab.wait_for_function("document.querySelector('#pane tr[data-item]')")
        rows = tab.locator("#pane tbody tr[data-item]").all_inner_texts()
        assert rows
        assert all(text.count("Contoso Retail") == 1 for text in rows), width


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "de"])
def test_tables_fit_and_words_are_not_broken_at_any_width(opened: Open, locale: str) -> None:
    tab = opened("demo", locale=locale)
    for width in (320, 390, 600, 768):
        tab.set_viewport_size({"width": width, "height": 844})
        assert (tab.evaluate(BROKEN_CELLS, width), tab.evaluate(WRAPPED_COUNTS)) == ([], 0), width
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 700, "height": 900})
    assert tab.evaluate(BROKEN_CELLS, 700) == []


@pytest.mark.slow
def test_print_contains_all_opened_content(opened: Open, tmp_path: Path) -> None:
    tab = opened("sample", "#open-all")
    tab.pdf(path=tmp_path / "report.pdf", format="A4", prefer_css_page_size=True)
    pages = page_texts(tmp_path / "report.pdf")
    text = " ".join(" ".join(pages).split())
    assert 3 < len(pages) < 40
    for phrase in (
        *("66 open findings, 4 of them critical.", "€3,750.39", "What to do first", "Renewals and end dates"),
        "will free seats worth €1,714.30 a month",
    ):
        assert phrase in text
    assert "Shown: 67 of 67" not in text
    compact = text.replace(" ", "")
    for tenant in result().tenants:
        for finding in tenant.findings:
            assert finding.subject.name.replace(" ", "") in compact
    for action in result().tenants[0].actions:
        assert f"Who can do it: {action.role}".replace(" ", "") in compact
        assert action.title.replace(" ", "").replace("*", "").replace("`", "") in compact


def test_charts_are_printed_in_light_colours(opened: Open) -> None:
    tab = opened()
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    bars = tab.evaluate("Array.from(document.querySelectorAll('.bar .used'), e => getComputedStyle(e).fill)")
    assert bars
    assert "rgb(255, 255, 255)" not in bars
    assert tab.evaluate("document.querySelector('.bar').getBoundingClientRect().width") > 40
    assert tab.evaluate("document.querySelector('.line-of-time').getBoundingClientRect().width") > 100


def test_reduced_motion_disables_smooth_scrolling_and_animations(opened: Open) -> None:
    scroll_behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(reduced_motion="no-preference").evaluate(scroll_behaviour) == "smooth"
    tab = opened(reduced_motion="reduce")
    assert (tab.evaluate(scroll_behaviour), tab.evaluate("document.getAnimations().length")) == ("auto", 0)


@pytest.mark.slow
@pytest.mark.parametrize(("report", "scheme"), [("sample", "light"), ("sample", "dark"), ("fleet", "dark")])
def test_states_are_visible_with_forced_colours(opened: Open, axe: str, report: str, scheme: str) -> None:
    tab = opened(report, forced_colors="active", color_scheme=scheme, bypass_csp=True)
    canvas = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    for part, property_ in (
        (".badge", "borderTopColor"),
        (".chip", "borderTopColor"),
        (".bar .used", "fill"),
        (".bar .all", "stroke"),
        (".shares rect", "fill"),
        (".line-of-time circle", "fill"),
        (".axis", "stroke"),
    ):
        colour = tab.evaluate(f"getComputedStyle(document.querySelector('{part}')).{property_}")
        assert colour not in {canvas, "none", "rgba(0, 0, 0, 0)"}, part
    tab.evaluate(axe)
    assert tab.evaluate("async () => (await axe.run()).violations.map(violation => violation.id)") == []


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", *LANGUAGES])
def test_first_screen_of_the_demo_is_complete_and_passes_axe(opened: Open, axe: str, locale: str) -> None:
    """Elements and colours are equal in all languages: axe checks English, the longest texts and another alphabet."""
    tab = opened("demo", locale=locale, bypass_csp=True)
    assert_first_screen(tab, locale, sums=4)
    if locale not in AXE_LOCALES:
        return
    tab.evaluate(axe)
    find = """async (options) => (await axe.run(options)).violations.map(
      (violation) => [violation.id, violation.nodes.slice(0, 3).map((node) => node.html)])"""
    assert tab.evaluate(find, {"rules": {"color-contrast": {"enabled": locale == "en"}}}) == []
    if locale == "en":
        tab.emulate_media(color_scheme="dark")
        assert tab.evaluate(find, {"runOnly": ["color-contrast", "link-in-text-block"]}) == []


def test_page_is_usable_with_the_keyboard_only(opened: Open) -> None:
    tab = opened()
    focused = (
        "(document.activeElement.dataset || {}).key || document.activeElement.id || document.activeElement.className"
    )
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "skip"
    is_visible = (
        "(() => { const r = document.activeElement.getBoundingClientRect(); return r.left >= 0 && r.width > 0 })()"
    )
    assert tab.evaluate(is_visible)
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate(focused) == "q":
            break
    else:
        pytest.fail("Tab does not reach the search")
    assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.keyboard.type("sales")
    tab.wait_for_url("**q=sales*")
    for _ in range(30):
        tab.keyboard.press("Tab")
        if tab.evaluate("!!document.activeElement.closest('#pane tbody')"):
            break
    else:
        pytest.fail("Tab does not reach the rows")
    name = tab.evaluate("document.activeElement.textContent")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#one[open]")
    assert tab.inner_text("#one h2") == name
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#one", state="hidden")
    assert tab.evaluate("document.activeElement.textContent") == name
    in_table = tab.evaluate("document.activeElement.closest('#pane') !== null")
    for _ in range(80):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.tagName === 'SUMMARY'"):
            break
    assert in_table
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"
    before = tab.evaluate("document.activeElement.parentElement.open")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open") is not before


def test_finding_dialog_has_the_texts_of_the_page(opened: Open) -> None:
    tab = opened()
    sample = result()
    findings = [finding for tenant in sample.tenants for finding in tenant.findings] + list(sample.fleet.findings)
    read_dialog = "Object.fromEntries(Array.from(document.querySelectorAll('#one dl > div'), e => [e.children[0].textContent, e.children[1].textContent]))"
    for finding in findings[::4]:
        tab.evaluate(f"location.hash = 'f-{finding.fingerprint}'")
        tab.wait_for_selector("#one[open]")
        texts = tab.evaluate(read_dialog)
        assert texts.get("Evidence", "") == evidence_text(finding, EN)
        money = "" if finding.money is None else EN.money(finding.money.per_month, finding.money.currency)
        assert texts.get("Per month", "") == money
        row = tab.text_content(f"tr#f-{finding.fingerprint}")
        assert texts.get("Evidence", "") in row
        group = tab.text_content(f"details:has(tr#f-{finding.fingerprint}) > .inside")
        assert texts["Finding"] in group, "in the group's rows or heading"
        tab.keyboard.press("Escape")
        tab.wait_for_selector("#one", state="hidden")


@pytest.mark.slow
def test_search_sort_and_grouping_of_fifty_thousand_findings_are_fast(opened: Open) -> None:
    tab = opened("50000")
    measure = """async (act) => { const field = document.querySelector(act[0]); const begun = performance.now(), was = location.hash;
      if (act[0].startsWith('th')) { field.click(); } else { field.value = act[1]; field.dispatchEvent(new Event('input')); }
      while (location.hash === was && performance.now() - begun < 5000) { await new Promise(done => setTimeout(done, 5)); }
      return performance.now() - begun; }"""
    for action in (
        ["[data-key=q]", "ozlem"],
        ["[data-key=q]", "group LIC-7"],
        ["[data-key=q]", ""],
        ["th[data-sort=month] button", ""],
        ["th[data-sort=who] button", ""],
        ["[data-key=group]", "who"],
        ["[data-key=group]", "department"],
        ["[data-key=severity]", "critical"],
    ):
        assert tab.evaluate(measure, action) < 1500, action
    findings = [finding for finding in large_result(50_000).tenants[0].findings if finding.severity.value == "critical"]
    assert tab.inner_text("#shown").startswith(f"Shown: {len(findings):,} of 50,000")
    heads = tab.locator("#pane .head")
    rows = len({finding.evidence["department"] for finding in findings}) + 1
    assert tab.get_attribute("#pane table", "aria-rowcount") == str(rows)
    heads.first.click()
    tab.keyboard.press("End")
    last = "document.activeElement.closest('tr').getAttribute('aria-rowindex')"
    assert tab.evaluate(last) == tab.get_attribute("#pane table", "aria-rowcount")


@pytest.mark.parametrize("script", [True, False])
def test_link_to_a_grouped_action_opens_its_group(opened: Open, *, script: bool) -> None:
    tab = opened("demo", java_script_enabled=script)
    anchor = tab.locator(".similar li[id]").first.get_attribute("id")
    tab = opened("demo", f"#{anchor}", java_script_enabled=script)
    line = tab.locator(f"#{anchor}")
    assert line.is_visible()
    group = tab.locator(f"details.step:has(#{anchor})")
    assert group.locator("ol > li").first.is_visible(), "the steps are above it"
    assert "finding" in line.locator("small").inner_text()


def test_document_number_links_to_its_address(opened: Open) -> None:
    tab = opened("demo", "#open-all")
    number = tab.locator("details.step .note a").first
    target = str(number.get_attribute("href"))
    number.click()
    link = tab.locator(f"{target} a")
    assert link.is_visible()
    assert str(link.get_attribute("href")).startswith("https://")
    assert link.evaluate("element => getComputedStyle(element.parentElement).backgroundColor") != "rgba(0, 0, 0, 0)"
    tab.emulate_media(media="print")
    assert "https://" in link.evaluate("element => getComputedStyle(element, '::after').content")


@pytest.mark.slow
def test_links_to_shared_guidance_have_one_target(opened: Open) -> None:
    tab = opened("demo")
    counts = tab.eval_on_selector_all(
        "details.step .same a[href^='#a-']",
        "links => links.map(link => document.querySelectorAll('details' + link.getAttribute('href')).length)",
    )
    assert set(counts) == {1}
