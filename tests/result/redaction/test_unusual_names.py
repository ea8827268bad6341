"""Redaction of names and addresses with unusual characters, in every way in which texts and commands write them."""

import html
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.findings.person_names import users_in
from auditor.remedy.planner.simulation.membership_reasons import remove_on_premises
from auditor.render import FORMATS
from auditor.result.redaction.people import UserPseudonyms, people_of
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.writer import write
from tests.builders.result.output_texts import texts
from tests.builders.service.command_line import AS_OF, call
from tests.builders.tenant.tenants import TENANT_ID, audited, bought, path, policy_file, sku_id, tenant, user

KEY = RedactionKey(secret=b"a key of 16 bytes or more", stable=True)
PEOPLE = {
    "Zeb O\u2019Brien": "zeb.o'brien@contoso.example",
    "Ann Lee": "ann.lee@contoso.example",
    "Ann Leeson": "ann.leeson@contoso.example",
    "Joann Lee": "joann+lee@contoso.example",
    "Zo\u00eb M\u00fcller": "zo\u00eb.m\u00fcller@contoso.example",
    "Zeki (IT) Ay*": "zeki_fabrikam.com#EXT#@contoso.onmicrosoft.com",
    "Licence": "licence@contoso.example",
    "Suharto": "suharto@contoso.example",
}
ZEB, ANN, LEESON, JOANN, ZOE, ZEKI, LICENCE, _ = (KEY.person(TENANT_ID, f"id-{n}") for n in range(len(PEOPLE)))


def users() -> list[dict[str, Any]]:
    """Return users who have a licence from a group and are blocked."""
    return [
        user(str(number), "SPE_E3", displayName=name, userPrincipalName=address, accountEnabled=False,
             paths=[path("SPE_E3", group="g1")])
        for number, (name, address) in enumerate(PEOPLE.items())
    ]  # fmt: skip


@pytest.fixture(scope="module")
def people() -> UserPseudonyms:
    findings = audited(policy_file("assignments: {deny: [SPE_E3]}"), tenant(*users())).tenants[0].findings
    return people_of(TENANT_ID, users_in(findings), KEY, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ask zeb.o'brien@contoso.example.", f"Ask {ZEB}."),
        ("users('ZEB.O''BRIEN@contoso.example')", f"users('{ZEB}')"),
        ("'ann.lee@contoso.example' or 'zeb.o'brien@contoso.example'", f"'{ANN}' or '{ZEB}'"),
        ("`joann+lee@contoso.example`|*ann.lee@contoso.example*", f"`{JOANN}`|*{ANN}*"),
        (r"joann\+lee@contoso.example \28ann.lee@contoso.example\29", rf"{JOANN} \28{ANN}\29"),
        ("mailto:ann.lee@contoso.example, SMTP:zo\u00eb.m\u00fcller@contoso.example", f"mailto:{ANN}, SMTP:{ZOE}"),
        ("https://x.example/?u=zeb.o%27brien%40contoso.example&v=1", f"https://x.example/?u={ZEB}&v=1"),
        ("https://x.example/zeki_fabrikam.com%23EXT%23%40contoso.onmicrosoft.com", f"https://x.example/{ZEKI}"),
        ("zeki_fabrikam.com#EXT#@contoso.onmicrosoft.com!", f"{ZEKI}!"),
        ("eve.o'hara@contoso.example", KEY.person("", "eve.o'hara@contoso.example")),
        ("ann.lee@fabrikam.example", KEY.person("", "ann.lee@fabrikam.example")),
    ],
)
def test_addresses_are_replaced_however_they_are_written(text: str, expected: str, people: UserPseudonyms) -> None:
    assert people.free_text(text) == expected
    assert people.program_text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Zeb O'Brien, ZEB O\u2019BRIEN, Zeb O''Brien's seat", f"{ZEB}, {ZEB}, {ZEB}'s seat"),
        ("Ann Leeson, Joann Lee, Ann  Lee, Ann\tLee", f"{LEESON}, {JOANN}, {ANN}, {ANN}"),
        ("Zoe\u0308 Mu\u0308ller and Zoe Muller", f"{ZOE} and {ZOE}"),
        (r"(displayName=LIC Zeki \28IT\29 Ay\2a)", rf"(displayName=LIC {ZEKI}\2a)"),
        ("LIC Zeki (IT) Ay*", f"LIC {ZEKI}"),
        ("ann-lee.yaml: Annlee, An Lee", "ann-lee.yaml: Annlee, An Lee"),
    ],
)
def test_names_are_replaced_however_they_are_written(text: str, expected: str, people: UserPseudonyms) -> None:
    assert people.free_text(text) == expected
    assert people.program_text(text) == expected


def test_name_that_is_an_ordinary_word_does_not_change_sentences(people: UserPseudonyms) -> None:
    text = "Free the licence of a former employee: Licence"
    assert people.program_text(text) == f"Free the licence of a former employee: {LICENCE}"
    assert people.free_text(text) == text


def test_names_in_selectors_are_replaced_in_other_texts_unless_they_are_one_word() -> None:
    named = {name: KEY.person("", name) for name in ("ida o'hara", "team *", "admin")}
    people = people_of(TENANT_ID, (), KEY, named)
    ida = named["ida o'hara"]
    assert people.free_text("Ida O'Hara is admin of Team A") == f"{ida} is admin of Team A"


def test_people_in_notices_waivers_and_references_are_replaced() -> None:
    policies = """policies:
- id: p
  severity: high
  users: {displayName: "Zno O'Match"}
  references: [{title: Wiki, url: "https://wiki.example/ann.lee@contoso.example"}]
  assignments: {deny: [SPE_E3]}
waivers: [{id: w, policies: [p], users: {id: x}, reason: told, owner: Max Owner, expires: 2026-11-25}]
"""
    result = redacted(audited(policies, tenant()), KEY)
    notices = sorted(notice.message for notice in result.tenants[0].notices)
    owner, nobody = KEY.person("", "max owner"), KEY.person("", "zno o'match")
    assert notices == [
        f"the policy p matches nobody: no user meets the condition displayName '{nobody}'",
        f"the waiver w ({owner}) applies until 2026-11-25, 5 whole days from now",
        f"the waiver w ({owner}) matches no finding: remove it or correct it",
    ]
    assert result.run.definitions["waivers"][0]["owner"] == owner
    references = result.run.policies[0].references
    assert references is not None
    assert references[0].url == f"https://wiki.example/{KEY.person('', 'ann.lee@contoso.example')}"


def test_commands_for_the_local_directory_name_nobody() -> None:
    name, address = next(iter(PEOPLE.items()))
    command = remove_on_premises(f"Staff of {name} (eve@contoso.example)", [address])
    result = audited(policy_file("assignments: {deny: [SPE_E3]}"), tenant(*users()))
    action = Action(id="x", guidance="g", findings=(), title="Take it away", steps=(command,))
    contoso = replace(result.tenants[0], actions=(action,))
    (step,) = redacted(replace(result, tenants=(contoso,)), KEY).tenants[0].actions[0].steps
    assert not [word for word in ("Zeb", "Brien", "brien", "eve") if word in step]
    assert step.count(ZEB) == 3, "twice in the filter of the group, once in that of the user"


def test_no_output_names_people_with_unusual_names(tmp_path: Path) -> None:
    """Names in the names of groups, which steps, questions and evidence of other people and groups quote."""
    owner = "Zeb O\u2019Brien (zeb.o'brien@contoso.example), Ann Leeson, Zoe\u0308 Mu\u0308ller, Suharto"
    groups = [
        {"id": "g1", "displayName": f"E3 of {owner}", "assignedLicenses": [{"skuId": sku_id("SPE_E3")}], "nestedGroups": ["g2"],
         "onPremisesSyncEnabled": True, "groupTypes": [], "members": [f"id-{n}" for n in range(len(PEOPLE))]},
        {"id": "g2", "displayName": f"Nested of {owner}", "members": []},
    ]  # fmt: skip
    state = tenant(*users(), subscribedSkus=[bought("SPE_E3", 9, 7)], groups=groups)
    (tmp_path / "p.yaml").write_text(
        "version: 1\npolicies:\n- {id: p, severity: high, assignments: {deny: [SPE_E3]}}\n"
        "- {id: q, severity: low, health: {nested: deny}}\n"
    )
    snapshot = write(tmp_path / "snapshots", state)
    arguments = ("--snapshot", snapshot, "--as-of", AS_OF, "p.yaml", "--redact")
    audit = call("audit", *arguments, "-f", ",".join((*FORMATS, "terminal")), "-o", "out/audit", cwd=tmp_path)
    plan = call("plan", *arguments, "-f", "json,markdown,html,questions,terminal", "-o", "out/plan", cwd=tmp_path)
    assert (audit.code, plan.code) == (1, 0), audit.err + plan.err
    files = [file for file in sorted((tmp_path / "out").rglob("*")) if file.is_file()]
    outputs = [audit.text, audit.err, plan.text, plan.err, *(t for file in files for t in texts(file.read_bytes()))]
    secrets = ("Zeb O", "Brien", "Leeson", "m\u00fcller", "mu\u0308ller", "joann+", "_fabrikam", "Zeki", "Suharto")
    written = {
        form(secret) for secret in secrets for form in (str, html.escape, quote, lambda text: json.dumps(text)[1:-1])
    }
    for text in outputs:
        assert [secret for secret in written if secret.casefold() in text.casefold()] == []
