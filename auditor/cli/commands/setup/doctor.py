"""The command `auditor doctor`: its options, its output and its exit code."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from auditor.app.policy_files import load_policies
from auditor.app.scaffold.choices import default_branch, github_repository
from auditor.app.tenants.collection import all_needs, needs_of
from auditor.app.tenants.doctor import Diagnosis, DoctorCheck, DoctorOutcome, diagnose_all
from auditor.cli.arguments.options import LIVE_TENANTS_HELP, declare, reader_locale
from auditor.cli.terminal.console import commented, notices, print_diagnostics
from auditor.cli.terminal.markdown import wrapped_text
from auditor.cli.terminal.problems import MAX_TENANTS, combined_problems
from auditor.cli.terminal.streams import for_people
from auditor.domain.errors import printable
from auditor.domain.settings import PLACEHOLDER, GraphMail, Settings, Tenant
from auditor.domain.translation import N_
from auditor.localization import Localization, localization
from auditor.settings.loader import read, select_tenants

_MARKS = {
    DoctorOutcome.GOOD: N_("ok"),
    DoctorOutcome.NOTE: N_("note"),
    DoctorOutcome.BAD: N_("FAIL"),
    DoctorOutcome.UNKNOWN: "?",
}
EXAMPLES = """\
auditor doctor                     what policies/ need of every tenant in tenants.yaml, and what is missing
auditor doctor --all               the same for `auditor collect --all`
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor doctor`."""
    declare(parser, "policies")
    parser.add_argument("--all", action="store_true", help="check what every source needs, not only the policies")
    parser.set_defaults(tenants=Path("tenants.yaml"))
    declare(parser, "tenants", "tenant", tenants=LIVE_TENANTS_HELP)
    declare(parser, "locale", locale="language of the answer (default: the environment's)")


def run(args: argparse.Namespace) -> int:
    """Run `auditor doctor`; returns 0 if every tenant can be collected, else 3. Raises AuditorError."""
    l10n = localization(reader_locale(args.locale))
    settings = read(args.tenants)
    # Its check of the sign-in reports placeholders.
    warnings = [warning for warning in settings.warnings if warning.slug != PLACEHOLDER]
    print_diagnostics(warnings, locale=args.locale)
    policies = load_policies(args.policies).policies
    tenants = [
        (tenant, all_needs(policies) if args.all else needs_of(policies, tenant), _sender(settings, tenant))
        for tenant in select_tenants(settings, args.tenant)
    ]
    ask = notices(args.locale) if sys.stderr.isatty() else None
    diagnoses = diagnose_all(
        tenants, policies=policies, ask=ask, repository=github_repository(Path()), branch=default_branch(Path())
    )
    with for_people():
        if len(diagnoses) > MAX_TENANTS:
            _print_problems(diagnoses, l10n)
        else:
            for diagnosis in diagnoses:
                tenant = diagnosis.tenant
                print(f"{tenant.name} ({tenant.tenant_id}, {tenant.cloud})")
                for check in diagnosis.checks:
                    _print_check(check, l10n)
    return 0 if all(diagnosis.healthy for diagnosis in diagnoses) else 3


def _sender(settings: Settings, tenant: Tenant) -> str | None:
    mail = settings.mail
    sends = mail is not None and isinstance(mail.route, GraphMail) and mail.route.tenant == tenant.name
    return mail.sender if mail is not None and sends else None


def _print_problems(diagnoses: Sequence[Diagnosis], l10n: Localization) -> None:
    """Print each problem once, the worst first, with the tenants that have it, and how many tenants are ready."""
    for health in (DoctorOutcome.BAD, DoctorOutcome.UNKNOWN, DoctorOutcome.NOTE):
        mark = _mark(health, l10n)
        indent = " " * (len(mark) + 2)
        problems = _problems(diagnoses, health, l10n)
        for tenants, problem in combined_problems(problems, len(diagnoses), l10n):
            print(wrapped_text(problem, first=f"{mark}  ", rest=indent))
            print(wrapped_text(tenants, first=indent, rest=indent))
    ready = l10n.number(sum(diagnosis.healthy for diagnosis in diagnoses))
    print(l10n.gettext("Tenants that are ready: {ready} of {count}", ready=ready, count=l10n.number(len(diagnoses))))
    hint = l10n.gettext(
        "`auditor doctor --tenant NAME` prints all checks of a tenant, and the commands that solve its problems."
    )
    print(wrapped_text(hint))


def _problems(diagnoses: Sequence[Diagnosis], health: DoctorOutcome, l10n: Localization) -> Iterator[tuple[str, str]]:
    """Yield the name of the tenant and the text of each check with this outcome."""
    for diagnosis in diagnoses:
        for check in diagnosis.checks:
            if check.health is health:
                yield diagnosis.tenant.name, _text(check, l10n)


def _text(check: DoctorCheck, l10n: Localization) -> str:
    return f"{l10n.gettext(check.name)}: {l10n.translate(check.message)}"


def _mark(health: DoctorOutcome, l10n: Localization) -> str:
    """Return the mark of an outcome, as wide as the widest."""
    marks = {outcome: l10n.gettext(mark) for outcome, mark in _MARKS.items()}
    return marks[health].ljust(max(map(len, marks.values())))


def _print_check(check: DoctorCheck, l10n: Localization) -> None:
    mark = _mark(check.health, l10n)
    print(wrapped_text(_text(check, l10n), first=f"  {mark}  ", rest=" " * (len(mark) + 4)))
    for command in check.commands:
        print(f"          {printable(commented(command, l10n))}")
