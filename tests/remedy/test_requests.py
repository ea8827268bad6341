"""Graph requests and PowerShell lines: one call per change, with names and ids quoted safely."""

import json

from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.enums import Cloud
from auditor.remedy.requests import (
    Addition,
    assign_group,
    assign_user,
    join_group,
    leave_group,
    locate,
    reprocess,
    set_property,
)
from auditor.render.plan.outline_text import script
from tests.builders.document.powershell import Script

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


# The grammar reads NUL as the end of the text; PowerShell reads it as any other character.
TEXTS = st.text(st.characters(exclude_characters="\0")) | st.text(
    st.sampled_from("'\u2018\u2019\u201a\u201b\"\u201c\u201d\u201e`$(){}#<>@;\r\n a")
)


@given(TEXTS)
def test_powershell_line_keeps_any_text_in_its_literals(text: str) -> None:
    addition = Addition(sku_id=text, disabled_plans=(text, text))
    for command, texts in (
        (assign_user(text, add=[addition], remove=[text]), [text] * 5),
        (assign_group(text, add=[addition], remove=[text]), [text] * 5),
        (set_property(text, "department", text), [text, json.dumps({"department": text}, ensure_ascii=False)]),
        (locate(text, text), [text] * 2),
        (leave_group(text, text), [text] * 2),
        (reprocess(text), [text]),
        (join := join_group(text, text, cloud=Cloud.CHINA), [text, "@odata.id", join.body["@odata.id"]]),
    ):
        line = Script(command.powershell.encode())
        assert (line.texts, line.comments, line.undocumented()) == (texts, [], [])


def test_script_stops_at_the_first_failure() -> None:
    lines = script(
        [assign_user("u1", remove=[E3]).document], {"u1": "Ann\nRemove-MgUser"}, tenant_id="t1", cloud=Cloud.WORLDWIDE
    )
    assert lines[0] == "$ErrorActionPreference = 'Stop'"
    assert lines[2].startswith("# Ann")
    assert "\n" not in lines[2], "a name stays within its comment line"
    assert len(lines) == 4
    assert Script("\n".join(lines).encode()).undocumented() == []


def test_script_signs_in_to_the_cloud_of_the_tenant_with_the_least_permissions() -> None:
    requests = [assign_user("u1", remove=[E3]).document, locate("u1", "NL").document, reprocess("u1").document]
    (_, line, *_) = script(requests, {}, tenant_id="t1", cloud=Cloud.CHINA)
    assert line == (
        "Connect-MgGraph -TenantId 't1' -Environment China -Scopes 'LicenseAssignment.ReadWrite.All','User.ReadWrite.All'"
    )
