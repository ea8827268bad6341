"""Each tenant of a large fleet has its own page, with the title that the page of the fleet shows."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.report.outputs import earlier_files_warning, earlier_tenant_files, outputs, write_reports
from auditor.render.view.content import PageContent
from auditor.result.aggregate import summarise
from auditor.result.ranking import MAX_SECTIONS
from tests.builders.result.results import result


@pytest.mark.slow
def test_pages_of_tenants_with_equal_display_names_have_different_titles(tmp_path: Path) -> None:
    sample = result()
    tenants = tuple(
        replace(sample.tenants[0], name=f"t{number}", display_name="Contoso") for number in range(MAX_SECTIONS + 1)
    )
    fleet = replace(sample, tenants=tenants, summary=summarise(tenants, sample.fleet))
    write_reports(fleet, PageContent(fleet, "en"), outputs(["html"], tmp_path))
    for tenant in tenants:
        page = (tmp_path / "tenants" / f"{tenant.name}.html").read_text()
        assert f"{tenant.name} (Contoso)" in re.sub(r"<[^>]+>", "", page.partition("</h1>")[0])


@pytest.mark.slow
def test_files_of_tenants_that_are_no_longer_audited_are_named(tmp_path: Path) -> None:
    sample = result()
    tenants = tuple(replace(sample.tenants[0], name=f"t{number:02}") for number in range(MAX_SECTIONS + 1))
    output = outputs(["html", "json"], tmp_path)
    fleet, smaller = (replace(sample, tenants=part) for part in (tenants, tenants[1:]))
    write_reports(fleet, PageContent(fleet, "en"), output)
    assert list(earlier_tenant_files(fleet, output)) == []
    files = [path.relative_to(tmp_path / "tenants").as_posix() for path in earlier_tenant_files(smaller, output)]
    assert files == ["t00.json", *(f"{tenant.name}.html" for tenant in tenants)], (
        "a small fleet has no pages of tenants"
    )
    (warning,) = earlier_files_warning(earlier_tenant_files(smaller, output))
    assert "t00.json" in str(warning.message)
    assert str(warning.message).endswith(", …")
    assert list(earlier_tenant_files(smaller, outputs(["csv"], tmp_path))) == []
