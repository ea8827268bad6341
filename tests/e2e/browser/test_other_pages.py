"""The pages of histories, previews and fleets in a browser."""

from pathlib import Path
from typing import Any

import pytest

from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.html import report
from auditor.result.aggregate import single_tenant
from auditor.snapshot.writer import write
from tests.builders.document.policy_documents import LEAVERS
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result
from tests.builders.service.command_line import AS_OF, expect
from tests.builders.tenant.nights import night
from tests.builders.tenant.two_people import ANN, TWO_PEOPLE


@pytest.mark.slow
def test_history_page_on_a_dark_phone_has_headings_and_collapsed_lists(chromium: Any, tmp_path: Path) -> None:
    for day in range(3):
        write(tmp_path / "snapshots", night({**TWO_PEOPLE, "users": [ANN]}, day))
    expect(0, "history", "snapshots", "-f", "html=h.html", "-q", cwd=tmp_path)
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto((tmp_path / "h.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    titles = page.eval_on_selector_all("th", "cells => cells.map(cell => cell.textContent.trim())")
    assert all(titles)
    assert "Microsoft 365 E3" in titles
    folds = page.locator("details.fold")
    assert folds.count() > 0
    assert not folds.first.locator("table").is_visible()
    folds.first.locator("summary").click()
    assert folds.first.locator("tbody tr").first.is_visible()
    context.close()


@pytest.mark.slow
def test_preview_page_on_a_dark_phone_has_the_style_of_the_report_and_cards_for_rows(
    chromium: Any, tmp_path: Path
) -> None:
    for name, severity in (("base", "medium"), ("head", "low")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(LEAVERS.replace("severity: medium", f"severity: {severity}"))
    expect(0, "preview", "--demo", "--as-of", AS_OF, "--base", "base", "head", "-f", "html", "-q", cwd=tmp_path)
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto((tmp_path / "out" / "preview.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    assert page.evaluate("getComputedStyle(document.querySelector('td'), '::before').content") == '"Title"'


@pytest.mark.slow
def test_dialog_links_to_the_page_of_a_tenant_without_section(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MAX_SECTIONS", 0)
    fleet = result()
    tenant = max(fleet.tenants, key=lambda tenant: len(tenant.findings))
    pages = {"report.html": (fleet, "tenants"), f"tenants/{tenant.name}.html": (single_tenant(fleet, tenant.name), "")}
    (tmp_path / "tenants").mkdir()
    for name, (content, folder) in pages.items():
        (tmp_path / name).write_bytes(rendered_bytes(content, "html", tenant_pages=folder))
    fingerprint = tenant.actions[0].findings[0]
    page = chromium.new_page()
    page.goto(f"{(tmp_path / 'report.html').as_uri()}#f-{fingerprint}")
    page.wait_for_selector("#one[open]")
    first_row = page.text_content("#pane tr[data-item] td:last-child")
    assert first_row.startswith(tuple(f"{title} · " for title in tenant_titles(fleet.tenants).values())), (
        "rows name the tenant"
    )
    links = page.evaluate("Array.from(document.querySelectorAll('#one dd a'), (link) => link.getAttribute('href'))")
    assert len(links) == 2, "the policy and the action"
    assert all(link.startswith(f"tenants/{tenant.name}.html#") for link in links)
    page.click("#one dd a")
    page.wait_for_url(f"**/tenants/{tenant.name}.html#*")
    anchor = page.url.rpartition("#")[2]
    assert page.evaluate("(id) => document.getElementById(id) !== null", anchor)
    page.close()
