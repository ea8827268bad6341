"""Tests mails about a fleet: each tenant's recipients see their tenant, its owner gets one mail about all tenants."""

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from auditor.app.history.earlier_runs import earlier_of
from auditor.app.recipients.envelopes import envelopes
from auditor.app.recipients.portion import own_waivers, portion
from auditor.domain.enums import Severity
from auditor.domain.settings import Recipient, Tenant
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from tests.builders.result.rendered import rendered_bytes, rendered_text
from tests.builders.result.results import result
from tests.builders.tenant.tenants import audited, bought, tenant, user

OWNER = "fleet@provider.example"


def test_tenant_recipients_see_their_tenant_and_the_owner_sees_all() -> None:
    audit = result()
    names = [tenant.name for tenant in audit.tenants]
    assert len(names) == 2
    tenants = [
        Tenant(
            name=name,
            tenant_id=name,
            recipients=(
                Recipient(address=f"licences@{name}.example"),
                Recipient(address=OWNER.upper() if number else OWNER),
            ),
        )
        for number, name in enumerate(names)
    ]
    envelope_of = {envelope.address.lower(): envelope for envelope in envelopes(tenants, names, fallback="en")}
    assert sorted(envelope_of) == sorted([OWNER, *(f"licences@{name}.example" for name in names)])
    mails = {a: render_mail(portion(audit, e), Reader(locale=e.locale)) for a, e in envelope_of.items()}
    titles = {tenant.name: tenant.display_name for tenant in audit.tenants}
    for name in names:
        text = mails[f"licences@{name}.example"].text
        assert titles[name] in text + mails[f"licences@{name}.example"].subject
        assert not any(titles[other] in text for other in names if other != name)
    assert all(title in mails[OWNER].text for title in titles.values())
    assert "2 tenants" in mails[OWNER].subject


def test_waiver_of_one_tenant_is_hidden_from_recipients_of_another() -> None:
    audit = result()
    first, second = (tenant.name for tenant in audit.tenants)
    common = {"policies": ["leavers"], "expires": "2026-12-31", "owner": "ann@x.example"}
    waivers: list[dict[str, object]] = [
        {**common, "id": "own", "reason": "kept until the sale of the stores", "tenants": [first]},
        {**common, "id": "both", "reason": "known to both", "tenants": [second, first]},
        {**common, "id": "all", "reason": "known to all", "policies": "*"},
        {**common, "id": "spare", "reason": "for seats", "policies": ["e3-spare", "renewals"]},
    ]
    audit = replace(audit, run=replace(audit.run, definitions={**audit.run.definitions, "waivers": waivers}))
    tenants = [
        Tenant(name=first, tenant_id=first, recipients=(Recipient(address="a@x.example"), Recipient(address="o@x.example"))),
        Tenant(name=second, tenant_id=second, recipients=(Recipient(address="b@x.example"), Recipient(address="o@x.example"), Recipient(address="c@x.example", severities=(Severity.HIGH,)))),
    ]  # fmt: skip
    parts = {e.address: own_waivers(portion(audit, e)) for e in envelopes(tenants, [first, second], fallback="en")}
    ids = {a: [waiver["id"] for waiver in part.run.definitions["waivers"]] for a, part in parts.items()}
    assert ids == {
        "a@x.example": ["own", "both", "all", "spare"],
        "b@x.example": ["both", "all", "spare"],
        "c@x.example": ["both", "all"],
        "o@x.example": ["own", "both", "all", "spare"],
    }
    assert parts["b@x.example"].run.definitions["waivers"][0]["tenants"] == [second]
    page = rendered_text(parts["b@x.example"], "html")
    assert "known to both" in page
    assert "the sale of the stores" not in page
    assert first not in page.casefold()
    assert "3 waivers in force" in render_mail(parts["b@x.example"], Reader(locale="en")).text


def test_trends_count_only_findings_that_the_recipient_may_see(tmp_path: Path) -> None:
    audit = result()
    first, second = audit.tenants
    earlier = replace(audit, run=replace(audit.run, as_of=audit.run.as_of - timedelta(days=7)))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "result.json").write_bytes(rendered_bytes(earlier, "json"))
    readers = (
        Recipient(address="all@x.example"),
        Recipient(address="critical@x.example", severities=(Severity.CRITICAL,)),
    )
    tenants = [Tenant(name=first.name, tenant_id=first.name, recipients=readers)]
    all_envelopes = envelopes(tenants, [first.name, second.name], fallback="en")
    portions = [(envelope, portion(audit, envelope)) for envelope in all_envelopes]
    for (_, subset), (past,) in zip(portions, earlier_of(tmp_path, portions), strict=True):
        assert past.open == subset.summary.open
    assert portions[0][1].summary.open != portions[1][1].summary.open


def test_completeness_in_a_part_is_about_its_policies() -> None:
    policies = """\
policies:
- {id: guests, severity: high, users: {userType: Guest}, assignments: {of: paid, allow: []}}
- {id: costs, severity: low, budget: {limit: 10}}
"""
    audit = audited(policies, tenant(user("ann", "SPE_E5"), subscribedSkus=[bought("SPE_E5", 1)]))
    assert not audit.tenants[0].fully_evaluated  # no file has prices
    recipient = Recipient(address="high@x.example", severities=(Severity.HIGH,))
    tenants = [Tenant(name="contoso", tenant_id="contoso", recipients=(recipient,))]
    [envelope] = [e for e in envelopes(tenants, ["contoso"], fallback="en") if e.address == recipient.address]
    mail = render_mail(portion(audit, envelope), Reader(locale="en"))
    assert "Complete. Every source that the policies of this report need was read" in mail.text
