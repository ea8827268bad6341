"""Tests report.html in Chromium: search, filters, sorting, groups, links, print, waivers, and no JavaScript."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor.domain.enums import Status
from tests.builders.result.audited_demo import demo_result, large_result
from tests.builders.result.results import result
from tests.builders.service.command_line import expect

Open = Callable[..., Any]


def shown_count(tab: Any) -> str:
    return str(tab.inner_text("#shown"))


def names(tab: Any) -> list[str]:
    return [str(text) for text in tab.locator("#pane tr[data-item] th a").all_inner_texts()]


def choose(tab: Any, key: str, value: str) -> None:
    tab.select_option(f"[data-key={key}]", value)
    tab.wait_for_url(re.compile(f"{key}="))


def test_table_shows_the_number_of_findings(opened: Open) -> None:
    tab = opened()
    assert shown_count(tab) == "Shown: 67 of 67"
    assert tab.get_attribute("#pane table", "aria-rowcount") == "68"


def test_large_table_renders_only_visible_rows(opened: Open) -> None:
    tab = opened("50000")
    assert shown_count(tab) == "Shown: 50,000 of 50,000"
    assert tab.locator("#pane tr[data-item]").count() < 80
    tab.evaluate("document.getElementById('pane').scrollTop = 1e9")
    tab.wait_for_selector('#pane tr[aria-rowindex="50001"]')


@pytest.mark.slow
def test_search_ignores_diacritics_and_combines_with_filters(opened: Open) -> None:
    tab = opened("2000")
    tab.fill("[data-key=q]", "yilmaz ozlem")
    tab.wait_for_url(re.compile("ozlem"))
    assert all(name.startswith("Özlem Y\u0131lmaz") for name in names(tab))
    matches = int(re.sub(r"\D", "", shown_count(tab).split(" of ")[0]))
    assert 0 < matches < 2_000
    choose(tab, "severity", "critical")
    critical_matches = int(re.sub(r"\D", "", shown_count(tab).split(" of ")[0]))
    assert 0 < critical_matches < matches
    expected = sum(
        f.severity.value == "critical" and f.subject.name.startswith("Özlem Y\u0131lmaz")
        for f in large_result(2_000).tenants[0].findings
    )
    assert critical_matches == expected
    tab.click("#clear")
    assert shown_count(tab) == "Shown: 2,000 of 2,000"


def test_every_filter_reduces_the_findings(opened: Open) -> None:
    tab = opened()
    findings = [f for tenant in result().tenants for f in tenant.findings] + list(result().fleet.findings)
    filters = {"status": "waived", "policy": "leavers", "change": "new", "product": "Microsoft 365 E5"}
    for key, value in filters.items():
        choose(tab, key, value)
        count = int(re.findall(r"\d+", shown_count(tab))[0])
        assert 0 < count < len(findings), key
        if key == "policy":
            assert count == sum(f.policy == value for f in findings)
        tab.click("#clear")
        assert shown_count(tab) == "Shown: 67 of 67"


def test_sorting_by_name_and_money_sets_aria_sort(opened: Open) -> None:
    tab = opened("2000")
    tab.click("th[data-sort=who] button")
    ascending = names(tab)
    assert ascending == sorted(ascending, key=lambda name: (name.rstrip("0123456789"), int(name.split()[-1])))
    assert tab.get_attribute("th[data-sort=who]", "aria-sort") == "ascending"
    tab.click("th[data-sort=month] button")
    assert tab.get_attribute("th[data-sort=month]", "aria-sort") == "descending"
    assert tab.get_attribute("th[data-sort=who]", "aria-sort") is None
    amounts = [float(text.strip("€")) for text in tab.locator("#pane tr[data-item] td.n").all_inner_texts()]
    assert amounts == sorted(amounts, reverse=True)


def test_findings_are_grouped_and_a_group_opens(opened: Open) -> None:
    tab = opened()
    before: list[str] = []
    for by in ("policy", "who", "product", "department"):
        choose(tab, "group", by)
        tab.wait_for_url(re.compile(f"group={by}"))
        heads = tab.locator("#pane .head")
        closed = heads.count()
        assert closed > 1, by
        assert heads.all_inner_texts() != before, by
        first = int(heads.first.locator("strong").inner_text())
        heads.first.click()
        assert heads.first.get_attribute("aria-expanded") == "true"
        assert int(str(tab.get_attribute("#pane table", "aria-rowcount"))) >= closed + first, by
        before = heads.all_inner_texts()


@pytest.mark.slow
def test_link_to_a_finding_opens_it_despite_filters(opened: Open) -> None:
    finding = large_result(2_000).tenants[0].findings[1_321]
    tab = opened("2000", f"#f-{finding.fingerprint}?severity=info&sort=who")
    tab.wait_for_selector("#one[open]")
    assert tab.inner_text("#one h2") == finding.subject.name
    assert "Policy number" in tab.inner_text("#one dl")
    tab.keyboard.press("Escape")
    tab.wait_for_url(lambda address: address.endswith("#find?severity=info&sort=who"))
    assert tab.is_hidden("#one")


def test_link_is_opened_while_another_finding_closes(opened: Open) -> None:
    first, second = result().tenants[0].findings[:2]
    tab = opened("sample", f"#f-{first.fingerprint}")
    tab.wait_for_selector("#one[open]")
    # The dialog's close event is only fired after the hash has changed.
    tab.evaluate(f"document.getElementById('one').close(); location.hash = 'f-{second.fingerprint}'")
    tab.wait_for_selector("#one[open]")
    assert tab.inner_text("#one h2") == second.subject.name
    assert tab.evaluate("location.hash") == f"#f-{second.fingerprint}"


def test_hostile_text_is_neutral_in_the_table(opened: Open) -> None:
    tab = opened("hostile")
    tab.on("dialog", lambda message: pytest.fail(message.message))
    row = tab.locator("#pane tr[data-item]").first
    assert "<script>alert(1)</script>" in row.inner_text()
    assert "{{ 7*7 }}" in row.inner_text()
    assert "\u202e" not in tab.inner_text("body")
    assert tab.locator("#pane b, #pane img, #pane script, #one b, #one img, #one script").count() == 0
    assert tab.evaluate(
        "Array.from(document.querySelectorAll('#pane a')).every(a => a.hash === a.getAttribute('href'))"
    )
    for field in ("policy", "who", "department"):
        choose(tab, "group", field)
    tab.select_option("[data-key=group]", "")
    tab.locator("#pane tr[data-item] th a").first.click()
    tab.wait_for_selector("#one[open]")
    assert "<script>alert(1)</script>" in tab.inner_text("#one")


def test_address_keeps_filters_groups_and_search(opened: Open) -> None:
    tab = opened()
    choose(tab, "severity", "high")
    choose(tab, "group", "department")
    tab.fill("[data-key=q]", "sales")
    tab.wait_for_url(re.compile("sales"))
    hash_, state = tab.evaluate("location.hash"), shown_count(tab)
    again = opened("sample", hash_)
    assert shown_count(again) == state
    assert again.input_value("[data-key=severity]") == "high"
    assert again.input_value("[data-key=q]") == "sales"
    assert again.locator("#pane .head").count() > 0
    invalid = opened("sample", "#find?severity=%3Cscript%3E&sort=nothing&group=nothing")
    assert shown_count(invalid) == "Shown: 67 of 67"


def test_keyboard_moves_between_rows(opened: Open) -> None:
    tab = opened("2000")
    assert tab.locator('#pane tbody [tabindex="0"]').count() == 1
    tab.locator('#pane tbody [tabindex="0"]').focus()
    for _ in range(30):
        tab.keyboard.press("ArrowDown")
    focused = "document.activeElement.closest('tr').getAttribute('aria-rowindex')"
    assert tab.evaluate(focused) == "32"
    tab.keyboard.press("End")
    assert tab.evaluate(focused) == "2001"
    tab.keyboard.press("Home")
    assert tab.evaluate(focused) == "2"
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#one[open]")
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#one", state="hidden")
    assert tab.evaluate(focused) == "2"


def test_page_without_javascript_has_the_essential_content(opened: Open) -> None:
    tab = opened(java_script_enabled=False)
    text = tab.inner_text("body")
    for phrase in ("66 open findings", "€3,750.39", "in open findings", "Renewals and end dates", "What was read"):
        assert phrase in text
    assert not tab.is_visible("#all")
    content = tab.text_content("body")
    assert all(policy.title in content for policy in result().run.policies)


def test_print_contains_open_sections_only(opened: Open, tmp_path: Path) -> None:
    tab = opened()
    tab.emulate_media(media="print")
    assert not tab.is_visible("#all")
    tab.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert not tab.is_visible("details.group .inside")
    tab.emulate_media(media="screen")
    tab.locator(".contents summary").click()
    tab.locator("#open-all").click()
    tab.emulate_media(media="print")
    text = tab.inner_text("main")
    assert all(policy.title in text for policy in result().run.policies)
    assert all(tenant.findings[-1].subject.name in text for tenant in result().tenants if tenant.findings)


@pytest.mark.parametrize(
    ("report", "scheme", "locale"),
    [("sample", "dark", "en"), ("2000", "light", "en"), ("demo", "light", "nl"), ("fleet", "light", "en")],
)
def test_narrow_screen_has_no_horizontal_scrolling(opened: Open, report: str, scheme: str, locale: str) -> None:
    tab = opened(report, locale=locale, viewport={"width": 320, "height": 640}, color_scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true; })")
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    assert tab.evaluate("document.getElementById('pane').scrollWidth <= document.getElementById('pane').clientWidth")


@pytest.mark.slow
def test_all_rows_are_reachable_beyond_the_maximum_element_height(opened: Open) -> None:
    tab = opened("50000", "#find?sort=who", bypass_csp=True)
    tab.add_style_tag(content="#pane tr[data-item] { height: 400px }")
    tab.set_viewport_size({"width": 1200, "height": 900})
    scroll_height = "document.getElementById('pane').scrollHeight"
    tab.wait_for_function(f"{scroll_height} > 10_000_000")
    assert tab.evaluate(scroll_height) < 16_000_000 < 400 * 50_000
    tab.locator('#pane tbody [tabindex="0"]').focus()
    tab.keyboard.press("End")
    assert tab.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')") == "50001"
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')") == "50000"


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_report_passes_axe(opened: Open, axe: str, scheme: str) -> None:
    tab = opened(color_scheme=scheme, bypass_csp=True)
    tab.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true; })")
    tab.evaluate(axe)
    find = "async () => (await axe.run()).violations.map(violation => [violation.id, violation.nodes.slice(0, 3).map(node => node.html)])"
    assert tab.evaluate(find) == []
    tab.locator("#pane tr[data-item] th a").first.click()
    tab.wait_for_selector("#one[open]")
    assert tab.evaluate(find.replace("axe.run()", "axe.run('#one')")) == []


def test_waiver_text_of_the_page_equals_the_output_of_waive(opened: Open, tmp_path: Path) -> None:
    demo = demo_result()
    tab = opened("demo")
    chosen = [f for f in demo.tenants[0].findings if f.policy == "contoso-copilot-pilot" and f.status is Status.OPEN]
    assert len(chosen) > 1
    arguments = ("--demo", "--print", "--as-of", "2026-11-20T02:17:00Z", "--until", "2027-01-31", "--reason", "R")
    owner = next(header.owner for header in demo.run.policies if header.id == "contoso-copilot-pilot")
    for selected in (chosen[:1], chosen):
        completed = expect(
            0, "waive", *(f.fingerprint for f in selected), *arguments, "--owner", owner or "O", cwd=tmp_path
        )
        if len(selected) == 1:
            tab.evaluate(f"location.hash = 'f-{selected[0].fingerprint}'")
            tab.click("#one .waive")
        else:
            choose(tab, "policy", "contoso-copilot-pilot")
            choose(tab, "tenant", "Contoso Retail")
            tab.click("#waive")
        text = tab.input_value("#waiver textarea")
        expected = completed.text.replace("reason: R", 'reason: ""').replace("2027-01-31", '""').rstrip("\n")
        expected = expected if owner else expected.replace("owner: O", 'owner: ""')
        normalised = [
            re.split(r"[\s,\[\]]+", yaml.replace(selected[0].fingerprint[:8], "")) for yaml in (text, expected)
        ]
        assert sorted(filter(None, normalised[0])) == sorted(filter(None, normalised[1]))
        tab.click("#waiver header button")
        if len(selected) == 1:
            tab.click("#one header button")


def test_no_waiver_is_offered_for_a_waived_finding(opened: Open) -> None:
    tab = opened()
    waived = next(f for f in result().tenants[0].findings if f.status is Status.WAIVED)
    tab.evaluate(f"location.hash = 'f-{waived.fingerprint}'")
    tab.wait_for_selector("#one[open]")
    assert not tab.is_visible("#one .waive")
