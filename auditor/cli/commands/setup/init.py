"""The command `auditor init`: its options, its output and its exit code."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditor import __commit__, __home__, __version__
from auditor.app.scaffold.choices import CI, CLOUDS, CREDENTIALS, NO_TENANT, Choices, existing_choices
from auditor.app.scaffold.repository import Scaffold, scaffold, unusable_files
from auditor.app.scaffold.setup_commands import setup_commands
from auditor.cli.arguments.options import declare, one_of, reader_locale
from auditor.cli.commands.setup.init_questions import (
    ASSIGNMENTS,
    POLICIES,
    SIZES,
    address,
    ask_for,
    branch,
    client_id,
    cloud,
    commit,
    credential,
    repository,
    tenant_id,
    tenant_name,
)
from auditor.cli.terminal.console import commented, out, print_message, print_notice
from auditor.cli.terminal.questions import is_interactive
from auditor.domain.enums import Agreement
from auditor.domain.errors import printable
from auditor.domain.translation import N_
from auditor.files import input as files
from auditor.localization import Localization, localization

EXAMPLES = """\
auditor init                             asks, and writes into this folder
auditor init --tenant-id GUID --no-input
auditor init audit/ --repository OWNER/NAME --agreement mca --mail-from audit@contoso.example
A second run updates what changed options affect, and shows other differences without changing them.
Commands are printed to stdout, the names of written files to stderr.
"""
_NO_CI = "none"
_DIFF_LINES = 40
"""Maximum number of lines of a diff that are printed for a file."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor init`."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the repository (default: this folder)"
    )
    parser.add_argument("--tenant-id", type=tenant_id, metavar="GUID", help="the tenant (default: a placeholder)")
    parser.add_argument(
        "--cloud",
        type=cloud,
        choices=CLOUDS,
        metavar="CLOUD",
        help=f"the Microsoft cloud of the tenant: {', '.join(CLOUDS)} (default: worldwide)",
    )
    parser.add_argument("--name", type=tenant_name, help="the tenant's name in files (default: contoso)")
    parser.add_argument(
        "--credential",
        type=credential,
        choices=CREDENTIALS,
        metavar="TYPE",
        help=(
            f"how to sign in: {', '.join(CREDENTIALS)} "
            "(default: azure-cli; github-oidc with --repository or in a new clone of a repository on GitHub)"
        ),
    )
    parser.add_argument(
        "--client-id",
        type=client_id,
        metavar="GUID",
        help="the app registration that signs in (default: a placeholder; the printed commands create one)",
    )
    _add_repository_arguments(parser)
    _add_policy_arguments(parser)
    _add_workflow_arguments(parser)
    parser.add_argument("--no-input", action="store_true", help="do not ask questions, even in a terminal")
    parser.add_argument("--force", action="store_true", help="overwrite files that differ")
    texts = {
        "locale": "language of the messages; the files of the repository are in English",
        "quiet": "print no commands",
    }
    declare(parser, "locale", "quiet", **texts)


def _add_repository_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repository",
        type=repository,
        metavar="OWNER/NAME",
        help="your repository on GitHub, whose nightly job signs in (default: the remote `origin`)",
    )
    parser.add_argument(
        "--branch",
        type=branch,
        metavar="NAME",
        help="the branch that runs the audit every night (default: the default branch of the clone, else main)",
    )
    parser.add_argument(
        "--ci",
        choices=(*CI, _NO_CI),
        metavar="NAME",
        help=(
            f"what runs the audit every night: {', '.join(CI)}, {_NO_CI} "
            "(default: github with github-oidc or in a new clone of a repository on GitHub, else none)"
        ),
    )


def _add_policy_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policies",
        choices=POLICIES,
        help="copy: the files of the starter library; extend: one file that names its version (default: copy)",
    )
    parser.add_argument(
        "--size",
        choices=SIZES,
        help=(
            "how many policies: small, or large with those about add-ons, inactivity and mailboxes too (default: small)"
        ),
    )
    parser.add_argument(
        "--agreement",
        type=one_of(Agreement),
        choices=tuple(Agreement),
        metavar="AGREEMENT",
        help=f"how licences are bought: {', '.join(Agreement)} (default: unknown)",
    )
    parser.add_argument("--assignment", choices=ASSIGNMENTS, help="how licences are assigned (default: direct)")


def _add_workflow_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mail-from",
        type=address,
        metavar="ADDRESS",
        help="the mailbox that sends the report, and gets it first (default: none)",
    )
    parser.add_argument(
        "--action",
        type=repository,
        metavar="OWNER/NAME",
        help=(
            "the repository of this program that workflows use: the project has no public repository "
            "yet, specify your own"
        ),
    )
    parser.add_argument(
        "--pin",
        type=commit,
        metavar="SHA",
        help="the commit of the action in workflows (default: that of this release; in a working copy, its tag)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor init`; returns 0 even if it kept differing files. Raises AuditorError before anything is written."""
    locale = reader_locale(args.locale)
    existing = existing_choices(args.folder)
    if args.ci in CI and args.credential is None:
        args.credential = CI[args.ci][1]
    is_new = not files.is_file(args.folder / "tenants.yaml")
    if is_new and not args.no_input and is_interactive():
        ask_for(args, existing, locale)
    elif is_new and args.ci is None and args.repository is None:
        args.repository = existing.get("repository")
    choices = _choices(args, existing)
    l10n = localization(locale)
    result = scaffold(args.folder, choices, force=args.force)
    _print_result(result, args.folder, choices, l10n)
    if choices.ci is None and args.ci is None and result.written:
        print_notice(l10n.gettext("nothing runs the audit every night or checks pull requests yet"))
        _print_help(l10n.gettext("write these files with --ci NAME: {names}", names=", ".join(CI)), l10n)
    if not args.quiet:
        out("\n".join(commented(line, l10n) for line in setup_commands(choices, args.folder)))
    return 0


def _choices(args: argparse.Namespace, existing: Mapping[str, Any]) -> Choices:
    """Return the choices: from options, else from files of the repository, else the defaults."""
    sign_in = args.credential or ("github-oidc" if args.repository else existing.get("credential"))
    sign_in = sign_in or ("github-oidc" if args.client_id else None)
    ci = args.ci or existing.get("ci")
    if sign_in == "github-oidc" and args.ci is None:
        ci = "github"
    options = {
        "cloud": args.cloud,
        "extend": None if args.policies is None else args.policies == "extend",
        "large": None if args.size is None else args.size == "large",
        "groups": None if args.assignment is None else args.assignment == "groups",
        "agreement": args.agreement,
        "name": args.name,
        "tenant_id": args.tenant_id and args.tenant_id.lower(),
        "client_id": args.client_id and args.client_id.lower(),
        "credential": sign_in,
        "repository": args.repository,
        "branch": args.branch,
        "sender": args.mail_from,
        "action": args.action,
        "pin": args.pin or (__commit__ if args.action else None),
    }
    base = {"large": False, "groups": False, "agreement": Agreement.UNKNOWN}
    options = {name: value for name, value in options.items() if value is not None}
    return Choices(**{**base, **existing, **options, "ci": None if ci == _NO_CI else ci})


def _print_result(result: Scaffold, folder: Path, choices: Choices, l10n: Localization) -> None:
    def print_path(text: str, name: str) -> None:
        print_notice(l10n.gettext(text, path=folder / name))

    for name in result.written:
        print_path(N_("wrote {path}"), name)
    for name in result.updated:
        print_path(N_("updated {path}"), name)
    for name, diff in result.kept:
        print_path(N_("{path} differs and was not changed (--force overwrites it)"), name)
        lines = diff.splitlines()
        for line in lines[:_DIFF_LINES]:
            print_message("  " + printable(line))
        if len(lines) > _DIFF_LINES:
            more = l10n.plural("{count} more line", "{count} more lines", len(lines) - _DIFF_LINES)
            print_message("  … " + more)
    for name in result.others:
        print_path(N_("{path} also runs the audit every night: delete it if you do not need it"), name)
    if choices.tenant_id == NO_TENANT and not result.kept:
        print_notice(l10n.gettext("tenantId in tenants.yaml is still the placeholder of the documentation"))
        _print_help("auditor init --tenant-id GUID", l10n)
    _print_program_notes([*result.written, *result.updated], choices, l10n)
    if not result.written and not result.updated and not result.kept:
        print_notice(l10n.gettext("all files already exist"))


def _print_program_notes(names: Sequence[str], choices: Choices, l10n: Localization) -> None:
    """Print which of the written files cannot run yet, and which are not pinned."""
    if choices.action == __home__:
        unusable = [name for name in unusable_files(choices) if name in names]
        if unusable:
            text = N_("files with a placeholder for the repository of this program cannot run yet: {files}")
            print_notice(l10n.gettext(text, files=", ".join(unusable)))
            _print_help(l10n.gettext("specify your own copy: --action OWNER/NAME --pin SHA"), l10n)
    elif not choices.pin and any(name.startswith(".github/workflows/") for name in names):
        print_notice(
            l10n.gettext("the commit of this release is not known: the workflows use a tag, which can be moved")
        )
        command = f"gh api repos/{choices.action}/commits/v{__version__} --jq .sha"
        _print_help(l10n.gettext("`{command}` prints the commit for --pin", command=command), l10n)


def _print_help(text: str, l10n: Localization) -> None:
    print_message(f"   = {l10n.gettext('help')}: {text}")
