"""Graph requests and PowerShell lines: one call per change, with names and ids quoted safely."""

import subprocess
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.enums import Cloud
from auditor.remedy.requests import Addition, assign_group, assign_user, locate, quoted, reprocess
from auditor.render.plan.outline_text import script

E3, F3 = "05e9a617-0261-4cee-bb44-138d3ef5d965", "66b55226-6b4f-492c-910c-a3b7a3c9d993"


def test_assign_user_is_one_request() -> None:
    command = assign_user("u1", add=[Addition(sku_id=F3, disabled_plans=("p1", "p2"))], remove=[E3])
    assert command.document == {
        "method": "POST",
        "path": "/users/u1/assignLicense",
        "body": {"addLicenses": [{"skuId": F3, "disabledPlans": ["p1", "p2"]}], "removeLicenses": [E3]},
        "powershell": "Set-MgUserLicense -UserId 'u1' -AddLicenses "
        f"@(@{{SkuId = '{F3}'; DisabledPlans = @('p1', 'p2')}}) -RemoveLicenses @('{E3}')",
    }


def test_assign_group_changes_the_group() -> None:
    command = assign_group("g1", remove=[E3])
    assert (command.path, command.body) == ("/groups/g1/assignLicense", {"addLicenses": [], "removeLicenses": [E3]})
    assert command.powershell == f"Set-MgGroupLicense -GroupId 'g1' -AddLicenses @() -RemoveLicenses @('{E3}')"


def test_reprocess_and_locate() -> None:
    assert reprocess("u1").path == "/users/u1/reprocessLicenseAssignment"
    assert locate("u1", "NL").document["body"] == {"usageLocation": "NL"}


def test_ids_are_percent_encoded_in_paths() -> None:
    assert assign_user("../groups/g1?x#y", remove=[E3]).path == "/users/..%2Fgroups%2Fg1%3Fx%23y/assignLicense"


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("plain", "'plain'"),
        ("O'Brien", "'O''Brien'"),
        ("'; Remove-MgUser -All #", "'''; Remove-MgUser -All #'"),
        ("$(whoami) `n", "'$(whoami) `n'"),
        ("\u2019 and \u2018", "'\u2019\u2019 and \u2018\u2018'"),
    ],
)
def test_text_is_quoted_for_powershell(text: str, literal: str) -> None:
    assert quoted(text) == literal


@given(st.text())
def test_quoted_text_cannot_end_its_quotes(text: str) -> None:
    """Every run of characters that PowerShell treats as quotes has an even length within the quotes."""
    inner, run = quoted(text)[1:-1], ""
    for character in inner + " ":
        if character in "'\u2018\u2019\u201a\u201b" and (not run or run[0] == character):
            run += character
        else:
            assert len(run) % 2 == 0
            run = character if character in "'\u2018\u2019\u201a\u201b" else ""


@pytest.mark.skipif(which("pwsh") is None, reason="PowerShell is not installed here")
def test_powershell_parses_quoted_text_back() -> None:
    text = 'it\'s $(Get-Date) `n \u2019quoted\u2018 "x"'
    completed = subprocess.run(
        ["pwsh", "-NoProfile", "-Command", f"[Console]::Out.Write({quoted(text)})"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert completed.stdout == text


def test_script_stops_at_the_first_failure() -> None:
    lines = script(
        [assign_user("u1", remove=[E3]).document], {"u1": "Ann\nRemove-MgUser"}, tenant_id="t1", cloud=Cloud.WORLDWIDE
    )
    assert lines[0] == "$ErrorActionPreference = 'Stop'"
    assert lines[2].startswith("# Ann")
    assert "\n" not in lines[2], "a name stays within its comment line"
    assert len(lines) == 4


def test_script_signs_in_to_the_cloud_of_the_tenant_with_the_least_permissions() -> None:
    requests = [assign_user("u1", remove=[E3]).document, locate("u1", "NL").document, reprocess("u1").document]
    (_, line, *_) = script(requests, {}, tenant_id="t1", cloud=Cloud.CHINA)
    assert line == (
        "Connect-MgGraph -TenantId 't1' -Environment China -Scopes LicenseAssignment.ReadWrite.All,User.ReadWrite.All"
    )
