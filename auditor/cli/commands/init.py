"""Implements `auditor init`."""

import argparse
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor import __commit__, __home__, __version__
from auditor.app.scaffold import Scaffold, scaffold, setup_commands
from auditor.app.scaffold_choices import (
    ADDRESS,
    CI,
    CREDENTIALS,
    GUID,
    NAME,
    NO_TENANT,
    REPOSITORY,
    TENANT_NAME,
    Choices,
    existing_choices,
    signed_in_tenant,
)
from auditor.cli.options import one_of, reader_locale
from auditor.cli.questions import ask, somebody_there
from auditor.cli.shared_options import declare
from auditor.cli.terminal.console import commented, out, print_message
from auditor.domain.enums import Agreement
from auditor.domain.errors import printable
from auditor.domain.message import Message
from auditor.domain.translation import N_
from auditor.files import input as files
from auditor.localization import Localization, localization

_EXAMPLES = """\
auditor init                             asks, and writes into this folder
auditor init --tenant-id GUID --no-input
auditor init audit/ --repository OWNER/NAME --agreement mca --mail-from audit@contoso.example
Run again, it replaces what other options change and shows what else differs.
The commands go to stdout, what was written to stderr.
"""
_SIZES, _WAYS = ("small", "large"), ("direct", "groups")
_DIFF_LINES = 40
"""Lines of a difference that are shown for one file."""


def _guid(text: str) -> Message:
    return Message("{text} is not a GUID such as 11111111-2222-3333-4444-555555555555", text=text)


def _name(text: str) -> Message:
    return Message("{text} is not a name of lower-case letters, digits and hyphens", text=text)


def _address(text: str) -> Message:
    return Message("{text} is not a mail address such as audit@contoso.example", text=text)


def _repository(text: str) -> Message:
    return Message("{text} is not OWNER/NAME of a repository on GitHub", text=text)


def _commit(text: str) -> Message:
    return Message("{text} is not the SHA of a commit, 40 hexadecimal digits", text=text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor init`."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the repository (default: this folder)"
    )
    parser.add_argument(
        "--tenant-id", type=_like(GUID, _guid), metavar="GUID", help="the tenant (default: a placeholder)"
    )
    parser.add_argument("--name", type=_like(TENANT_NAME, _name), help="the tenant's name in files (default: contoso)")
    parser.add_argument(
        "--credential",
        choices=CREDENTIALS,
        metavar="TYPE",
        help=f"how to sign in: {', '.join(CREDENTIALS)} (default: azure-cli; github-oidc with --repository)",
    )
    parser.add_argument(
        "--client-id",
        type=_like(GUID, _guid),
        metavar="GUID",
        help="the app registration that signs in (default: a placeholder; the printed commands create one)",
    )
    parser.add_argument(
        "--repository",
        type=_like(REPOSITORY, _repository),
        metavar="OWNER/NAME",
        help="your repository on GitHub, whose nightly job signs in (default: the remote `origin`)",
    )
    parser.add_argument(
        "--ci",
        choices=tuple(CI),
        metavar="NAME",
        help=f"what runs the audit every night: {', '.join(CI)} (default: github)",
    )
    parser.add_argument("--size", choices=_SIZES, help="large: add-ons, inactivity and mailboxes too (default: small)")
    parser.add_argument(
        "--agreement",
        type=one_of(Agreement),
        choices=tuple(Agreement),
        metavar="AGREEMENT",
        help=f"how licences are bought: {', '.join(Agreement)} (default: unknown)",
    )
    parser.add_argument("--assignment", choices=_WAYS, help="how licences are assigned (default: direct)")
    _add_action_arguments(parser)
    parser.add_argument("--no-input", action="store_true", help="ask nothing, also on a terminal")
    parser.add_argument("--force", action="store_true", help="overwrite files that differ")
    declare(parser, "locale", locale="language of the messages; the files of the repository are in English")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no commands")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="a bug shows its traceback")


def _add_action_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mail-from",
        type=_like(ADDRESS, _address),
        metavar="ADDRESS",
        help="the mailbox that sends the report, and gets it first (default: none)",
    )
    parser.add_argument(
        "--action",
        type=_like(REPOSITORY, _repository),
        metavar="OWNER/NAME",
        help="the repository of this program that workflows use: the project has no public one yet, name yours",
    )
    parser.add_argument(
        "--pin",
        type=_like(re.compile("[0-9a-f]{40}"), _commit),
        metavar="SHA",
        help="the commit of the action in workflows (default: that of this release; in a working copy, its tag)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor init`: 0 even if differing files were kept. Raises AuditorError before anything is written."""
    locale = reader_locale(args.locale)
    known = existing_choices(args.folder)
    if args.ci is not None and args.credential is None:
        args.credential = CI[args.ci][1]
    new = not files.is_file(args.folder / "tenants.yaml")
    if new and not args.no_input and somebody_there():
        _ask_for(args, known, locale)
    choices = _chosen(args, known)
    l10n = localization(locale)
    _tell(scaffold(args.folder, choices, force=args.force), args.folder, choices, l10n)
    if not args.quiet:
        out("\n".join(commented(line, l10n) for line in setup_commands(choices, args.folder)))
    return 0


def _chosen(args: argparse.Namespace, known: Mapping[str, Any]) -> Choices:
    """Return the choices: options first, then what the repository says, then defaults."""
    credential = args.credential or ("github-oidc" if args.repository else known.get("credential"))
    given = {
        "large": None if args.size is None else args.size == "large",
        "groups": None if args.assignment is None else args.assignment == "groups",
        "agreement": args.agreement,
        "name": args.name,
        "tenant_id": args.tenant_id and args.tenant_id.lower(),
        "client_id": args.client_id and args.client_id.lower(),
        "credential": credential or ("github-oidc" if args.client_id else None),
        "ci": args.ci,
        "repository": args.repository,
        "sender": args.mail_from,
        "action": args.action,
        "pin": args.pin or (__commit__ if args.action else None),
    }
    base = {"large": False, "groups": False, "agreement": Agreement.UNKNOWN}
    return Choices(**{**base, **known, **{name: value for name, value in given.items() if value is not None}})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """What is asked for an option that the command line does not give."""

    option: str
    text: str
    default: str
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()


def _ask_for(args: argparse.Namespace, known: Mapping[str, Any], locale: str) -> None:
    """Ask for every option that was not given, and put the answers into `args`."""
    tenant, name = signed_in_tenant(os.environ) or ("", NAME)
    first = (
        _Question(
            option="tenant_id",
            text=N_("Directory (tenant) id, from the overview of the Entra admin center"),
            default=tenant,
            read=_like(GUID, _guid),
        ),
        _Question(option="name", text=N_("Short name of the tenant"), default=name, read=_like(TENANT_NAME, _name)),
        _Question(
            option="credential",
            text=N_("Sign in with"),
            default="github-oidc" if args.repository else "azure-cli",
            read=_word(CREDENTIALS),
            choices=CREDENTIALS,
        ),
    )
    _ask_each(first, args, locale)
    _ask_each([*_sign_in_questions(args.credential, known), *_QUESTIONS], args, locale)


def _sign_in_questions(credential: str, known: Mapping[str, Any]) -> list[_Question]:
    """Return what the type of credential needs."""
    repository = _Question(
        option="repository",
        text=N_("Your private repository on GitHub, OWNER/NAME"),
        default=known.get("repository", ""),
        read=_like(REPOSITORY, _repository),
    )
    client = _Question(
        option="client_id",
        text=N_("Application (client) id (empty: the commands create one)"),
        default="",
        read=_optional(_like(GUID, _guid)),
    )
    return [*([repository] if credential == "github-oidc" else []), *([client] if credential != "azure-cli" else [])]


def _ask_each(questions: "tuple[_Question, ...] | list[_Question]", args: argparse.Namespace, locale: str) -> None:
    for each in questions:
        if getattr(args, each.option) is None:
            answer = ask(each.text, each.default, each.read, choices=each.choices, locale=locale)
            setattr(args, each.option, answer or None)


def _tell(done: Scaffold, folder: Path, choices: Choices, l10n: Localization) -> None:
    kept = l10n.gettext("{path} differs and was left as it is (--force overwrites it)")
    for said, names in ((l10n.gettext("wrote {path}"), done.written), (l10n.gettext("updated {path}"), done.updated)):
        for name in names:
            print_message("auditor: " + printable(said.replace("{path}", str(folder / name))))
    for name, diff in done.kept:
        print_message("auditor: " + printable(kept.replace("{path}", str(folder / name))))
        lines = diff.splitlines()
        for line in lines[:_DIFF_LINES]:
            print_message("  " + printable(line))
        if len(lines) > _DIFF_LINES:
            more = l10n.ngettext("{count} more line", "{count} more lines", len(lines) - _DIFF_LINES)
            print_message("  … " + more.replace("{count}", str(len(lines) - _DIFF_LINES)))
    if choices.tenant_id == NO_TENANT and not done.kept:
        print_message("auditor: " + l10n.gettext("tenants.yaml names no tenant yet"))
        _help("auditor init --tenant-id GUID", l10n)
    if choices.credential == "github-oidc":
        _tell_action(done, choices, l10n)
    if not done.written and not done.updated and not done.kept:
        print_message("auditor: " + l10n.gettext("all files exist already"))


def _tell_action(done: Scaffold, choices: Choices, l10n: Localization) -> None:
    """Say what keeps the workflows from running, or from being pinned."""
    if not any(name.startswith(".github/workflows/") for name in (*done.written, *done.updated)):
        return
    if choices.action == __home__:
        print_message("auditor: " + l10n.gettext("the workflows name no repository yet and cannot run"))
        _help(l10n.gettext("name your own copy: --action OWNER/NAME --pin SHA"), l10n)
    elif not choices.pin:
        moved = l10n.gettext(
            "this program does not know its release's commit: the workflows name a tag, which can be moved"
        )
        mend = l10n.gettext("`{command}` tells the commit to put there")
        command = f"gh api repos/{choices.action}/commits/v{__version__} --jq .sha"
        print_message(f"auditor: {moved}")
        _help(mend.replace("{command}", command), l10n)


def _help(text: str, l10n: Localization) -> None:
    print_message(f"   = {l10n.gettext('help')}: {text}")


def _like(pattern: re.Pattern[str], wrong: Callable[[str], Message]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise argparse.ArgumentTypeError(wrong(repr(text)))
        return text

    return read


def _optional(read: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: read(text) if text else ""


def _word(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise argparse.ArgumentTypeError(
                Message("{text} is not one of {words}", text=repr(text), words=", ".join(words))
            )
        return text

    return read


_QUESTIONS = (
    _Question(
        option="agreement",
        text=N_("Licences are bought by"),
        default=Agreement.UNKNOWN.value,
        read=one_of(Agreement),
        choices=tuple(Agreement),
    ),
    _Question(
        option="size", text=N_("Policies for a tenant that is"), default="small", read=_word(_SIZES), choices=_SIZES
    ),
    _Question(
        option="assignment", text=N_("Licences are assigned"), default="direct", read=_word(_WAYS), choices=_WAYS
    ),
    _Question(
        option="mail_from",
        text=N_("Mailbox that sends the report (empty: no mail)"),
        default="",
        read=_optional(_like(ADDRESS, _address)),
    ),
)
"""What is asked whatever the credential."""
