"""report.html as people read it: the first screen, paper, high contrast, the keyboard alone, every language."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.localization import languages
from auditor.render.text.evidence.evidence import described
from auditor.render.text.labels import Labels
from tests.builders.document.pdf import page_texts
from tests.builders.result.audited_demo import large_result
from tests.builders.result.results import result

Open = Callable[..., Any]
WORDS = Labels("en")
AXE_READS = ("en", "de", "tr")
CUT = """(width) => { const bad = [], seen = document.createRange();
  for (const cell of document.querySelectorAll(".fleet th, .fleet td, .waiver-table th, .waiver-table td, .policies > tbody td, .policies th")) {
    if (cell.closest("thead") && cell.closest("thead").getBoundingClientRect().width < 2) continue;
    if (cell.getBoundingClientRect().right > width + 1) bad.push(["beyond the edge", cell.textContent]);
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text; (text = texts.nextNode());) for (const word of text.data.matchAll(/[\\p{L}\\d]{3,14}/gu)) {
      seen.setStart(text, word.index); seen.setEnd(text, word.index + word[0].length);
      if (new Set(Array.from(seen.getClientRects(), (box) => Math.round(box.top))).size > 1) bad.push(["broken", word[0]]);
    } }
  return bad; }"""
"""Cells of which something is beyond the edge, and words of a usual length that go on in the next line."""
APART = """() => Array.from(document.querySelectorAll(".fleet td .badge")).filter((badge) => {
  const count = document.createRange();
  count.selectNode(badge.nextSibling);
  const box = badge.getBoundingClientRect(), there = Array.from(count.getClientRects()).pop();
  return there.top > box.bottom || there.bottom < box.top;
}).length"""
"""Severities of which the number stands in the next line."""
BOTTOMS = "sel => Array.from(document.querySelectorAll(sel), each => each.getBoundingClientRect().bottom)"


def assert_first_screen(tab: Any, locale: str, sums: int) -> None:
    """The outcome, the money and all five actions are above the fold."""
    assert tab.get_attribute("html", "lang") == locale
    assert len(tab.evaluate(BOTTOMS, ".matters li")) == 5
    assert len(tab.evaluate(BOTTOMS, ".sums > div")) == sums
    for part in ("h1", ".complete", ".counts", ".sums > div", ".matters li"):
        assert max(tab.evaluate(BOTTOMS, part)) <= 900, part
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.slow
@pytest.mark.parametrize("locale", languages())
def test_the_first_screen_holds_the_outcome_the_money_and_all_five_actions(opened: Open, locale: str) -> None:
    assert_first_screen(opened("sample", locale=locale), locale, sums=3)


def test_a_phone_tells_the_outcome_what_changed_and_what_to_do_first(opened: Open) -> None:
    tab = opened("demo", viewport={"width": 390, "height": 844})
    for part in ("h1", ".complete", ".counts", ".matters li:first-child"):
        assert max(tab.evaluate(BOTTOMS, part)) <= 844, part
    cut = "document.querySelectorAll('.matters .title').forEach(e => { if (e.scrollHeight > e.clientHeight + 1) throw e })"
    tab.evaluate(cut)


@pytest.mark.slow
@pytest.mark.parametrize("locale", ["en", "de"])
def test_tables_are_whole_and_their_words_too_at_any_width(opened: Open, locale: str) -> None:
    tab = opened("demo", locale=locale)
    for width in (320, 390, 600, 768):
        tab.set_viewport_size({"width": width, "height": 844})
        assert (tab.evaluate(CUT, width), tab.evaluate(APART)) == ([], 0), width
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": 700, "height": 900})
    assert tab.evaluate(CUT, 700) == []


@pytest.mark.slow
def test_on_paper_everything_is_reported_that_was_opened(opened: Open, tmp_path: Path) -> None:
    tab = opened("sample", "#open-all")
    tab.pdf(path=tmp_path / "report.pdf", format="A4", prefer_css_page_size=True)
    pages = page_texts(tmp_path / "report.pdf")
    text = " ".join(" ".join(pages).split())
    assert 3 < len(pages) < 40
    for phrase in (
        *("66 open findings, 4 of them critical.", "€3,750.39", "What matters most", "Renewals and end dates"),
        *("saves €1,714.30 a month"),
    ):
        assert phrase in text
    assert "Shown: 67 of 67" not in text
    bare = text.replace(" ", "")
    for tenant in result().tenants:
        for finding in tenant.findings:
            assert finding.subject.name.replace(" ", "") in bare
    for action in result().tenants[0].actions:
        assert f"Who can do it: {action.role}".replace(" ", "") in bare
        assert action.title.replace(" ", "").replace("*", "").replace("`", "") in bare


def test_pictures_are_on_paper_as_on_the_screen(opened: Open) -> None:
    tab = opened()
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    bars = tab.evaluate("Array.from(document.querySelectorAll('.bar .used'), e => getComputedStyle(e).fill)")
    assert bars
    assert "rgb(255, 255, 255)" not in bars
    assert tab.evaluate("document.querySelector('.bar').getBoundingClientRect().width") > 40
    assert tab.evaluate("document.querySelector('.line-of-time').getBoundingClientRect().width") > 100


def test_without_motion_nothing_glides(opened: Open) -> None:
    still = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened(reduced_motion="no-preference").evaluate(still) == "smooth"
    tab = opened(reduced_motion="reduce")
    assert (tab.evaluate(still), tab.evaluate("document.getAnimations().length")) == ("auto", 0)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_forced_colours_states_keep_their_shape(opened: Open, axe: str, scheme: str) -> None:
    tab = opened(forced_colors="active", color_scheme=scheme, bypass_csp=True)
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
        seen = tab.evaluate(f"getComputedStyle(document.querySelector('{part}')).{property_}")
        assert seen not in {canvas, "none", "rgba(0, 0, 0, 0)"}, part
    tab.evaluate(axe)
    assert tab.evaluate("async () => (await axe.run()).violations.map(one => one.id)") == []


@pytest.mark.slow
@pytest.mark.parametrize("locale", languages())
def test_the_first_screen_of_the_demo_is_whole_and_axe_finds_nothing(opened: Open, axe: str, locale: str) -> None:
    """Elements and colours are those of every language; axe reads the longest texts and another alphabet besides."""
    tab = opened("demo", locale=locale, bypass_csp=True)
    assert_first_screen(tab, locale, sums=4)
    if locale not in AXE_READS:
        return
    tab.evaluate(axe)
    find = """async (options) => (await axe.run(options)).violations.map(
      (one) => [one.id, one.nodes.slice(0, 3).map((node) => node.html)])"""
    assert tab.evaluate(find, {"rules": {"color-contrast": {"enabled": locale == "en"}}}) == []
    if locale == "en":
        tab.emulate_media(color_scheme="dark")
        assert tab.evaluate(find, {"runOnly": ["color-contrast", "link-in-text-block"]}) == []


def test_everything_is_done_with_the_keyboard_alone(opened: Open) -> None:
    tab = opened()
    here = "(document.activeElement.dataset || {}).key || document.activeElement.id || document.activeElement.className"
    tab.keyboard.press("Tab")
    assert tab.evaluate(here) == "skip"
    box = "(() => { const r = document.activeElement.getBoundingClientRect(); return r.left >= 0 && r.width > 0 })()"
    assert tab.evaluate(box)
    for _ in range(60):
        tab.keyboard.press("Tab")
        if tab.evaluate(here) == "q":
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
    trapped = tab.evaluate("document.activeElement.closest('#pane') !== null")
    for _ in range(80):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.tagName === 'SUMMARY'"):
            break
    assert trapped
    assert tab.evaluate("document.activeElement.tagName") == "SUMMARY"
    before = tab.evaluate("document.activeElement.parentElement.open")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.parentElement.open") is not before


def test_the_table_says_what_the_page_says_of_every_finding(opened: Open) -> None:
    tab = opened()
    whole = result()
    findings = [finding for tenant in whole.tenants for finding in tenant.findings] + list(whole.fleet.findings)
    read = "Object.fromEntries(Array.from(document.querySelectorAll('#one dl > div'), e => [e.children[0].textContent, e.children[1].textContent]))"
    for finding in findings[::4]:
        tab.evaluate(f"location.hash = 'f-{finding.fingerprint}'")
        tab.wait_for_selector("#one[open]")
        texts = tab.evaluate(read)
        assert texts.get("Evidence", "") == described(finding, WORDS)
        money = "" if finding.money is None else WORDS.money(finding.money.per_month, finding.money.currency)
        assert texts.get("A month", "") == money
        row = tab.text_content(f"tr#f-{finding.fingerprint}")
        assert texts.get("Evidence", "") in row
        group = tab.text_content(f"details:has(tr#f-{finding.fingerprint}) > .inside")
        assert texts["Finding"] in group, "in the row, or once above all of them"
        tab.keyboard.press("Escape")
        tab.wait_for_selector("#one", state="hidden")


@pytest.mark.slow
def test_fifty_thousand_are_found_sorted_and_grouped_while_one_waits(opened: Open) -> None:
    tab = opened("50000")
    timed = """async (act) => { const field = document.querySelector(act[0]); const begun = performance.now(), was = location.hash;
      if (act[0].startsWith('th')) { field.click(); } else { field.value = act[1]; field.dispatchEvent(new Event('input')); }
      while (location.hash === was && performance.now() - begun < 5000) { await new Promise(done => setTimeout(done, 5)); }
      return performance.now() - begun; }"""
    for act in (
        ["[data-key=q]", "ozlem"],
        ["[data-key=q]", "group LIC-7"],
        ["[data-key=q]", ""],
        ["th[data-sort=month] button", ""],
        ["th[data-sort=who] button", ""],
        ["[data-key=group]", "who"],
        ["[data-key=group]", "department"],
        ["[data-key=severity]", "critical"],
    ):
        assert tab.evaluate(timed, act) < 1500, act
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
def test_a_link_to_an_action_that_is_reported_with_others_opens_them(opened: Open, *, script: bool) -> None:
    tab = opened("demo", java_script_enabled=script)
    anchor = tab.locator(".similar li[id]").first.get_attribute("id")
    tab = opened("demo", f"#{anchor}", java_script_enabled=script)
    line = tab.locator(f"#{anchor}")
    assert line.is_visible()
    group = tab.locator(f"details:has(#{anchor})")
    assert group.locator("ol > li").first.is_visible(), "the steps stand above it"
    assert "finding" in line.locator("small").inner_text()


def test_numbers_of_documents_lead_to_their_addresses(opened: Open) -> None:
    tab = opened("demo", "#open-all")
    number = tab.locator("details.step .note a").first
    target = str(number.get_attribute("href"))
    number.click()
    link = tab.locator(f"{target} a")
    assert link.is_visible()
    assert str(link.get_attribute("href")).startswith("https://")
    assert link.evaluate("each => getComputedStyle(each.parentElement).backgroundColor") != "rgba(0, 0, 0, 0)"
    tab.emulate_media(media="print")
    assert "https://" in link.evaluate("each => getComputedStyle(each, '::after').content")


@pytest.mark.slow
def test_one_guidance_is_read_by_all_actions_that_share_it(opened: Open) -> None:
    tab = opened("demo")
    counts = tab.eval_on_selector_all(
        "details.step .same a[href^='#a-']",
        "links => links.map(link => document.querySelectorAll('details' + link.getAttribute('href')).length)",
    )
    assert set(counts) == {1}
