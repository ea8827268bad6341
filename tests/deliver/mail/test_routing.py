"""Who reads what: tenants are a wall, severities, owners and tags a choice; and when there is a reason to write."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from auditor.app.report.subset import portion
from auditor.deliver.mail.routing import Envelope, Reason, envelopes, reason, week_of
from auditor.domain.enums import Change, Severity, Status
from auditor.domain.result.model import Result
from auditor.domain.tenant import Attach, Digest, Recipient, Send, Tenant
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.render import render
from auditor.result.aggregate import summarise
from tests.builders.result.results import night_before, result

MONDAY = datetime(2026, 11, 23, 2, 17, tzinfo=UTC)


def tenant(name: str, *recipients: Recipient, locale: str | None = None) -> Tenant:
    return Tenant(name=name, tenant_id=name, recipients=recipients, locale=locale)


def envelope(*portions: tuple[str, Recipient]) -> Envelope:
    return Envelope(address="a@b.example", locale="en", portions=portions)


def reader(**more: object) -> Recipient:
    return Recipient(address="a@b.example", **more)  # type: ignore[arg-type]


def compared() -> Result:
    return compare(result(), night_before())


def test_one_mail_an_address_in_its_own_language() -> None:
    found = envelopes(
        [
            tenant("contoso", Recipient(address="Ann@b.example"), Recipient(address="bo@b.example", locale="tr"), locale="nl"),
            tenant("fabrikam", Recipient(address="ann@B.example", attach=Attach.CSV, digest=Digest.NEVER), locale="da"),
            tenant("unread", Recipient(address="cy@b.example")),
        ],
        {"contoso", "fabrikam"},
        fallback="en",
    )  # fmt: skip
    assert [(one.address, one.locale, sorted(one.tenants)) for one in found] == [
        ("Ann@b.example", "nl", ["contoso", "fabrikam"]),
        ("bo@b.example", "tr", ["contoso"]),
    ]
    assert (found[0].attach, found[0].digest) == (Attach.HTML, Digest.WEEKLY)


def test_a_tenant_is_a_wall() -> None:
    mine = portion(compared(), envelope(("fabrikam", reader())))
    assert [one.name for one in mine.tenants] == ["fabrikam"]
    assert not mine.fleet.findings
    assert sum(mine.summary.open.values()) == 0
    for format_ in ("html", "csv"):
        text = b"".join(render(mine, format_, locale="en").chunks()).decode()
        assert "contoso.example" not in text.replace("licensing@contoso.example", "")
        assert "Contoso" not in text


def test_the_fleet_is_for_who_reads_about_every_tenant() -> None:
    both = envelope(("contoso", reader()), ("fabrikam", reader()))
    assert portion(compared(), both).fleet.findings
    assert not portion(compared(), envelope(("contoso", reader()))).fleet.findings


def test_everything_for_everybody_is_the_result_itself() -> None:
    both = envelope(("contoso", reader()), ("fabrikam", reader()))
    mine, whole = portion(compared(), both), compared()
    # What only a merge of shards needs is in nobody's part.
    assert mine == replace(
        whole, run=replace(whole.run, policies=mine.run.policies), fleet=replace(whole.fleet, past=None)
    )


def test_severities_choose_findings_outcomes_and_what_was_fixed() -> None:
    mine = portion(compared(), envelope(("contoso", reader(severities=(Severity.CRITICAL,)))))
    (contoso,) = mine.tenants
    assert {finding.severity for finding in (*contoso.findings, *contoso.fixed)} == {Severity.CRITICAL}
    headers = {header.id: header for header in mine.run.policies}
    assert {headers[outcome.id].severity for outcome in contoso.policies} == {Severity.CRITICAL}
    assert mine.summary == summarise(mine.tenants, mine.fleet)
    left = {finding.fingerprint for finding in contoso.findings}
    assert all(set(action.findings) <= left and action.findings for action in contoso.actions)


def test_owners_and_tags_choose_policies_and_two_entries_add_up() -> None:
    whole = compared()
    policies = tuple(
        replace(header, owner="Retail@contoso.example", tags=("Stores",)) if header.id == "frontline-f3" else header
        for header in whole.run.policies
    )
    whole = replace(whole, run=replace(whole.run, policies=policies))

    def seen(*entries: Recipient) -> set[str]:
        mine = portion(whole, envelope(*(("contoso", entry) for entry in entries)))
        return {finding.policy for finding in mine.tenants[0].findings}

    owner, tag = reader(owners=("retail@contoso.example",)), reader(tags=("stores", "other"))
    assert seen(owner) == seen(tag) == {"frontline-f3"}
    assert seen(reader(owners=("retail@contoso.example",), severities=(Severity.LOW,))) == set()
    assert seen(owner, reader(severities=(Severity.CRITICAL,))) == {
        "frontline-f3",
        "assignment-errors",
        "seats-not-overdrawn",
    }
    assert seen(owner, reader()) == seen(reader())


def test_what_is_missing_is_reported_to_everybody() -> None:
    mine = portion(compared(), envelope(("contoso", reader(severities=(Severity.CRITICAL,)))))
    assert mine.tenants[0].complete == compared().tenants[0].complete is False
    assert not mine.complete


def quiet(*, complete: bool = True, open_: bool = True, at: datetime | None = None) -> Result:
    """A run in which nothing changed."""
    found = compared()
    tenants = tuple(
        replace(
            one,
            findings=FindingTable.of(
                tuple(replace(each, change=Change.UNCHANGED) for each in one.findings) if open_ else ()
            ),
            fixed=(),
            complete=complete,
            policies=(),
        )
        for one in found.tenants
    )
    run = replace(found.run, as_of=at or found.run.as_of)
    return replace(found, run=run, tenants=tenants, fleet=type(found.fleet)(), summary=summarise(tenants))


ANY = envelope(("contoso", reader()), ("fabrikam", reader()))
NEVER = envelope(("contoso", reader(digest=Digest.NEVER)))


@pytest.mark.parametrize(
    ("send", "of", "expected"),
    [
        (Send.ALWAYS, quiet(open_=False), Reason.EVENT),
        (Send.CHANGED, compared(), Reason.EVENT),
        (Send.CHANGED, result(), Reason.EVENT),
        (Send.CHANGED, quiet(), None),
        (Send.CHANGED, quiet(complete=False), Reason.EVENT),
        (Send.FAILURES, quiet(), Reason.EVENT),
        (Send.FAILURES, quiet(open_=False), None),
        (Send.FAILURES, quiet(open_=False, complete=False), Reason.EVENT),
        (Send.CHANGED, quiet(at=MONDAY), Reason.WEEKLY),
        (Send.FAILURES, quiet(open_=False, at=MONDAY), Reason.WEEKLY),
    ],
)
def test_reasons(send: Send, of: Result, expected: Reason | None) -> None:
    assert reason(send, of, ANY, weekly_sent=False) is expected


def test_a_week_is_reported_once_and_to_who_wants_it() -> None:
    assert reason(Send.CHANGED, quiet(at=MONDAY), ANY, weekly_sent=True) is None
    assert reason(Send.CHANGED, quiet(at=MONDAY), NEVER, weekly_sent=False) is None
    assert week_of(MONDAY) == "2026-W48"


def test_something_fixed_is_a_change_and_something_waived_is_none() -> None:
    fixed = quiet()
    first = replace(fixed.tenants[0], fixed=compared().tenants[0].fixed)
    assert reason(Send.CHANGED, replace(fixed, tenants=(first,)), ANY, weekly_sent=False) is Reason.EVENT
    waived = tuple(replace(each, change=Change.NEW, status=Status.WAIVED) for each in fixed.tenants[0].findings)
    only_waived = replace(fixed, tenants=(replace(fixed.tenants[0], findings=FindingTable.of(waived)),))
    assert reason(Send.CHANGED, only_waived, ANY, weekly_sent=False) is None
