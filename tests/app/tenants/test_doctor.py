"""Checks of `auditor doctor`: permissions, clocks, and the federated credential of GitHub jobs."""

import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from auditor.app.tenants.doctor import Diagnosis, DoctorOutcome, diagnose_all
from auditor.domain.policy.data_needs import Needs
from auditor.domain.settings import NO_CLIENT, ClientSecret, GithubOidc, Tenant, Token
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES
from tests.builders.tenant.collection import AGGREGATES, SIGN_INS, configured, environment
from tests.builders.tenant.tenants import policy_set
from tests.emulator.fixtures import CLIENT_ID, auditor_app, running_emulator, small_tenant
from tests.emulator.server import Emulator
from tests.emulator.sign_in.tokens import Caller

POLICIES = (
    "policies: [{id: inactive, severity: low, users: {inactiveFor: 90d}, assignments: {deny: paid}}, "
    "{id: idle, severity: low, seats: {of: paid, spare: {max: 5}}}]\n"
)


@pytest.fixture
def graph() -> Iterator[Emulator]:
    """An emulator with the small tenant `contoso`."""
    with running_emulator() as emulator:
        yield emulator


@pytest.mark.slow
def test_missing_permissions_are_reported_with_commands() -> None:
    limited = small_tenant("poor")
    limited.premium = False
    limited.register(auditor_app(roles=frozenset({"User.Read.All", "Mail.Send"})))
    with running_emulator([limited, small_tenant()]) as emulator:
        needs = SIGN_INS.union(Needs(sources=AGGREGATES))
        tenants = [
            (configured(emulator, "poor"), needs, None),
            (configured(emulator, credential=GithubOidc(client_id=CLIENT_ID)), needs, "audit@contoso.example"),
        ]
        first, second = diagnose_all(tenants, policies=policy_set(POLICIES), environ=environment(emulator))
    checks = {check.name: check for check in first.checks}
    assert checks["permissions"].health is DoctorOutcome.BAD
    assert "LicenseAssignment.Read.All" in checks["permissions"].message
    assert "AuditLog.Read.All (needed by inactive)" in checks["permissions"].message
    assert "User.Read.All" not in checks["permissions"].message
    commands = "\n".join(checks["permissions"].commands)
    assert "e2f98668-2877-4f38-a2f4-8202e0717aa1" in commands
    assert "az ad app permission admin-consent" in commands
    assert "New-MgServicePrincipalAppRoleAssignment" in commands
    assert "Mail.Send" in checks["least privilege"].message
    assert not first.healthy
    checks = {check.name: check for check in second.checks}
    assert second.healthy
    assert checks["clock"].health is DoctorOutcome.GOOD
    assert "GitHub" not in checks, "the sign-in works"


def test_mail_check_recommends_sending_from_one_mailbox_only() -> None:
    """An Exchange Online role, which is not part of tokens, lets an application send from one mailbox."""
    tenant = small_tenant()
    tenant.register(
        auditor_app(roles=frozenset({"LicenseAssignment.Read.All", "Organization.Read.All", "User.Read.All"}))
    )
    with running_emulator([tenant, small_tenant("rich")]) as emulator:
        tenants = [
            (configured(emulator, name), Needs(sources=AGGREGATES), "o'neill@contoso.example")
            for name in ("contoso", "rich")
        ]
        scoped, wide = diagnose_all(tenants, environ=environment(emulator))
    mail = next(check for check in scoped.checks if check.name == "mail")
    assert scoped.healthy
    assert mail.commands[-1].endswith(" -Resource 'o''neill@contoso.example'")
    assert "b633e1c5-b582-4048-a93e-9f11b44c7e96" not in str(scoped)
    mail = next(check for check in wide.checks if check.name == "mail")
    assert "every mailbox" in mail.message
    assert "Where-Object Value -in 'Mail.Send'" in str(mail.commands)


UNKNOWN_APP = "bbbbbbbb-1111-2222-3333-444444444444"


@pytest.mark.slow
def test_github_check_prints_the_federated_credential_of_the_repository(graph: Emulator) -> None:
    tenant = configured(graph, credential=GithubOidc(client_id=UNKNOWN_APP))
    ids = {"GITHUB_REPOSITORY": "o/team", "GITHUB_REPOSITORY_OWNER_ID": "7", "GITHUB_REPOSITORY_ID": "9"}
    checks = [
        next(
            check
            for check in diagnose(tenant, {**environment(graph), **job}, repository).checks
            if check.name == "GitHub"
        )
        for job, repository in ((ids, None), ({}, "o/team"), ({}, None))
    ]
    assert '"repo:o@7/team@9:ref:refs/heads/main"' in checks[0].message
    assert '"repo:o/team:ref:refs/heads/main"' in checks[1].message
    assert checks[0].commands == checks[1].commands
    commands = "\n".join(checks[1].commands)
    assert UNKNOWN_APP in commands
    assert commands.count("repo:o/team:ref:refs/heads/main") == 2
    assert commands.count("gh api repos/o/team") == 2
    assert "OWNER" not in commands
    assert commands.count("create-if-missing") == 4, "Graph updates a credential that has the name"
    assert checks[2].commands == ("auditor doctor",)


@pytest.mark.parametrize(
    ("reference", "name", "subject"),
    [
        ("refs/heads/main", "auditor", "refs/heads/main"),
        ("refs/heads/team/Trunk_2", "auditor-team-Trunk-2", "refs/heads/team/Trunk_2"),
        ("refs/pull/7/merge", "auditor", "refs/heads/main"),
        ("refs/heads/a';$(curl x)", "auditor", "refs/heads/main"),
    ],
)
def test_github_check_uses_one_branch_in_message_and_commands(
    graph: Emulator, reference: str, name: str, subject: str
) -> None:
    tenant = configured(graph, credential=GithubOidc(client_id=UNKNOWN_APP))
    job = {**environment(graph), "GITHUB_REPOSITORY": "o/team", "GITHUB_REF": reference}
    check = next(check for check in diagnose(tenant, job, None).checks if check.name == "GitHub")
    commands = "\n".join(check.commands)
    assert f'"repo:o/team:ref:{subject}"' in check.message
    assert ("push to" in check.message) == (subject != "refs/heads/main")
    assert commands.count(f":ref:{subject}") == commands.count(":ref:") == 4
    assert commands.count(f"-Name {name} ") == commands.count(f"(name='{name}')") == 1


@pytest.mark.slow
def test_credential_type_with_which_people_sign_in_needs_delegated_permissions(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = small_tenant()
    tenant.register(auditor_app(roles=frozenset({"User.Read.All"})))
    with running_emulator([tenant]) as emulator:
        tenants = [(configured(emulator), Needs(sources=AGGREGATES), "audit@contoso.example")]
        (application,) = diagnose_all(tenants, environ=environment(emulator))
        monkeypatch.setitem(CREDENTIAL_TYPES, ClientSecret, replace(CREDENTIAL_TYPES[ClientSecret], delegated=True))
        (person,) = diagnose_all(tenants, environ=environment(emulator))
    permissions = [
        next(check for check in diagnosis.checks if check.name == "permissions") for diagnosis in (application, person)
    ]
    assert ["Mail.Send" in check.message for check in permissions] == [False, True]
    assert ["DelegatedPermissionGrant" in str(check.commands) for check in permissions] == [False, True]


def test_placeholder_client_id_is_reported_without_requests(graph: Emulator) -> None:
    diagnosis = diagnose(configured(graph, credential=GithubOidc(client_id=NO_CLIENT)), environment(graph), "o/team")
    assert not diagnosis.healthy
    assert [check.commands for check in diagnosis.checks] == [("auditor init",)]
    assert not graph.journal.records


def diagnose(tenant: Tenant, environ: dict[str, str], repository: str | None) -> Diagnosis:
    """Return the diagnosis of one tenant."""
    needs = Needs(sources=AGGREGATES)
    (diagnosis,) = diagnose_all([(tenant, needs, None)], environ=environ, repository=repository)
    return diagnosis


def test_wrong_clock_is_reported(graph: Emulator) -> None:
    graph.faults.add("clock-skew", path="/organization", seconds=400, times=None)
    (diagnosis,) = diagnose_all([(configured(graph), Needs(sources=AGGREGATES), None)], environ=environment(graph))
    clock = next(check for check in diagnosis.checks if check.name == "clock")
    assert clock.health is DoctorOutcome.BAD
    assert "400 s behind" in clock.message or "399 s behind" in clock.message


@pytest.mark.parametrize("check_name", ["sign-in", "Microsoft Graph"])
def test_credential_of_another_tenant_is_reported(check_name: str) -> None:
    """A token may name its tenant; for an opaque token the organization in Graph is compared."""
    with running_emulator([small_tenant(), small_tenant("fabrikam")]) as emulator:
        token = emulator.bearer("fabrikam")
        if check_name == "Microsoft Graph":
            token = "opaque"
            emulator.tokens.opaque[token] = Caller(
                tenant=emulator.tenants["fabrikam"],
                client_id=CLIENT_ID,
                roles=frozenset({"Organization.Read.All"}),
                expires=time.time() + 3600,
            )
        tenant = configured(emulator, credential=Token(token_env="MADE_ELSEWHERE"))
        needs = Needs(sources=AGGREGATES)
        (diagnosis,) = diagnose_all([(tenant, needs, None)], environ=environment(emulator, MADE_ELSEWHERE=token))
    check = next(check for check in diagnosis.checks if check.name == check_name)
    assert check.health is DoctorOutcome.BAD
    assert tenant.tenant_id in check.message
    assert not diagnosis.healthy
