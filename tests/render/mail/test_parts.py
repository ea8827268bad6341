"""Both parts of a mail lead to the same places, and tell of the same exceptions."""

import re
from datetime import timedelta

from msgspec.structs import replace

from auditor.domain.enums import Status
from auditor.domain.result.model import ContractTerm, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.render.html.page import page
from auditor.render.mail.content import LineLimits, mail_view
from auditor.render.mail.message import mail_views, render_mail
from auditor.render.mail.view import Reader, Renewal
from auditor.render.text.labels import Labels
from tests.builders.result.results import night_before, result

READER = Reader(locale="en")
WHOLE = compare(result(), night_before())


def test_both_parts_lead_to_the_same_places() -> None:
    parts = render_mail(WHOLE, replace(READER, link="https://reports.example/r.html", anchors=True))
    links = re.findall(r'href="(https://[^"]*)"', parts.html)
    assert [link for link in links if "#p-" in link]
    assert [link for link in links if "#a-" in link]
    assert [link for link in links if "#t-" in link]
    assert sorted(re.findall(r"https://\S+", parts.text)) == sorted(links)
    assert "https://reports.example" not in render_mail(WHOLE, READER).text


def test_a_warning_of_several_actions_is_there_once() -> None:
    def warned(tenant: TenantResult) -> TenantResult:
        return replace(tenant, actions=tuple(replace(each, warnings=("The same.",)) for each in tenant.actions))

    view = next(mail_views(replace(WHOLE, tenants=tuple(map(warned, WHOLE.tenants))), READER, Labels("en")))
    assert len(view.acts) > 1
    assert [act.caution for act in view.acts if act.caution] == ["The same."]


def test_the_waived_end_the_counts_without_a_comma() -> None:
    for language, words in (("en", "and 1 waived"), ("de", "und 1 ausgenommen")):
        text = render_mail(WHOLE, Reader(locale=language)).text
        assert re.search(f"[^,] {words}$", text, re.MULTILINE), text


def test_waivers_in_force_are_counted() -> None:
    def exceptions(*waivers: dict[str, str | list[str]]) -> tuple[str, ...]:
        of = replace(WHOLE, run=replace(WHOLE.run, definitions={"waivers": list(waivers)}))
        parts, view = render_mail(of, READER), next(mail_views(of, READER, Labels("en")))
        assert [text for text in view.exceptions if text not in parts.html] == []
        assert [text for text in view.exceptions if f"* {text}\n" not in parts.text] == []
        return view.exceptions

    lapsing: dict[str, str | list[str]] = {"id": "W-1", "policies": ["leavers"], "expires": "2026-12-01"}
    assert exceptions()[0] == "1 finding waived"
    one = exceptions(lapsing, {**lapsing, "id": "gone", "expires": "2026-11-19"})
    assert one[:2] == ("1 waiver in force", "1 finding waived")
    assert exceptions(lapsing, {**lapsing, "id": "long", "expires": "2027-11-19"})[0] == "2 waivers in force"


def dates(of: Result, reader: Reader) -> tuple[Renewal, ...]:
    l10n = Labels("en")
    return mail_view(page(of, l10n), of, reader, l10n, LineLimits(renewals=99)).renewals


def test_the_near_dates_of_contracts_are_reported_to_who_receives_everything() -> None:
    first, *others = WHOLE.tenants
    day = first.as_of.date()
    terms = {"near": (10, 40), "past": (-10, -5), "far": (None, 400), "gone": (None, -60)}
    contracts = tuple(
        ContractTerm(
            id=name,
            name="Microsoft 365 E5",
            sku_ids=(),
            ends=day + timedelta(days=ends),
            notice=None if notice is None else day + timedelta(days=notice),
            renews="automatically",
            seats=7,
        )
        for name, (notice, ends) in terms.items()
    )
    of = replace(WHOLE, tenants=(replace(first, contracts=contracts), *others))
    renewals = [line for line in dates(of, READER) if "E5 (" in line.name]
    assert [(line.name.partition(" (")[2], line.summary.partition(" · ")[0]) for line in renewals] == [
        ("past)", "end of the contract, 7 seats in the contract"),
        ("near)", "last day to give notice, 7 seats in the contract"),
        ("near)", "end of the contract, 7 seats in the contract"),
    ]
    assert renewals[0].happens == "It has ended, unless it was renewed"
    assert "last day to give notice" in render_mail(of, READER).text
    part = replace(READER, owners=("hr@contoso.example",))
    narrow = dates(of, part)
    assert not [line for line in narrow if "E5 (" in line.name]
    named = replace(next(iter(first.findings)), check="contract.notice", detail="near", status=Status.OPEN)
    for finding, names in (
        (named, ["near)", "near)"]),
        (replace(named, check="contract.seats-differ", detail=None, evidence={"contracts": ["past"]}), ["past)"]),
        (replace(named, status=Status.WAIVED, waiver="W"), []),
    ):
        mine = replace(first, contracts=contracts, findings=FindingTable.of((finding,)))
        seen = dates(replace(WHOLE, tenants=(mine, *others)), part)
        assert [line.name.partition(" (")[2] for line in seen if "E5 (" in line.name] == names
