"""Of a fleet every tenant's people read their own, and its owner gets one mail about all of it."""

from auditor.app.portion import portion
from auditor.deliver.routing import envelopes
from auditor.domain.tenant import Recipient, Tenant
from auditor.render.mail import render_mail
from auditor.render.mail_view import Reader
from tests.render.sample import result

OWNER = "fleet@provider.example"


def test_own_people_read_their_tenant_and_the_owner_reads_all_in_one_mail() -> None:
    whole = result()
    names = [tenant.name for tenant in whole.tenants]
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
    found = {envelope.address.lower(): envelope for envelope in envelopes(tenants, names, fallback="en")}
    assert sorted(found) == sorted([OWNER, *(f"licences@{name}.example" for name in names)])
    mails = {a: render_mail(portion(whole, e), Reader(locale=e.locale)) for a, e in found.items()}
    titles = {tenant.name: tenant.display_name for tenant in whole.tenants}
    for name in names:
        text = mails[f"licences@{name}.example"].text
        assert titles[name] in text + mails[f"licences@{name}.example"].subject
        assert not any(titles[other] in text for other in names if other != name)
    assert all(title in mails[OWNER].text for title in titles.values())
    assert "2 tenants" in mails[OWNER].subject
