"""The command `auditor doctor`: its options, its output and its exit code."""

import argparse
import sys
from pathlib import Path

from auditor.app.policy_files import load_policies
from auditor.app.scaffold.choices import default_branch, github_repository
from auditor.app.tenants.collection import all_needs, needs_of
from auditor.app.tenants.doctor import DoctorCheck, DoctorOutcome, diagnose_all
from auditor.cli.arguments.options import LIVE_TENANTS_HELP, declare, reader_locale
from auditor.cli.terminal.console import commented, notices, print_diagnostics
from auditor.cli.terminal.markdown import wrapped_text
from auditor.cli.terminal.streams import for_people
from auditor.domain.errors import printable
from auditor.domain.settings import GraphMail, Settings, Tenant
from auditor.domain.translation import N_
from auditor.localization import Localization, localization
from auditor.settings.loader import read, select_tenants
from auditor.settings.placeholders import PLACEHOLDER

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
    declare(parser, "policies", policies="policy files or folders (default: policies/)")
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


def _print_check(check: DoctorCheck, l10n: Localization) -> None:
    marks = {health: l10n.gettext(mark) for health, mark in _MARKS.items()}
    mark = marks[check.health].ljust(max(map(len, marks.values())))
    text = l10n.translate(check.message)
    print(wrapped_text(f"{l10n.gettext(check.name)}: {text}", first=f"  {mark}  ", rest=" " * (len(mark) + 4)))
    for command in check.commands:
        print(f"          {printable(commented(command, l10n))}")
