"""Tests links of the findings table to the pages of single tenants, in a browser."""

from pathlib import Path
from typing import Any

import pytest

from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.html import report
from auditor.result.aggregate import single_tenant
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import result


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
