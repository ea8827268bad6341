"""Implements `auditor init`."""

import argparse
import os
import re
from collections.abc import Callable
from pathlib import Path

from auditor import __commit__, __home__, __version__
from auditor.app.scaffold import NAME, NO_CLIENT, NO_TENANT, Choices, Scaffold, scaffold, setup_commands
from auditor.cli.options import one_of, reader_locale
from auditor.cli.shared_options import declare
from auditor.cli.terminal.console import commented, out, say
from auditor.domain.enums import Agreement
from auditor.domain.errors import printable
from auditor.domain.message import Message
from auditor.localization import Localization, localization

_EXAMPLES = """\
auditor init                                           in this folder, for a small tenant
auditor init audit/ --size large --assignment groups --agreement mca --tenant-id GUID --mail-from audit@contoso.example
Nothing that is there already is overwritten without --force. The commands go to stdout, what was written to stderr.
"""
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor init`."""
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="the repository (default: this folder)"
    )
    parser.add_argument(
        "--size",
        choices=("small", "large"),
        default="small",
        help="large: add-ons, inactivity and mailboxes too (default: small)",
    )
    parser.add_argument(
        "--agreement",
        type=one_of(Agreement),
        choices=tuple(Agreement),
        default=Agreement.UNKNOWN,
        metavar="AGREEMENT",
        help=f"how licences are bought: {', '.join(Agreement)} (default: unknown)",
    )
    parser.add_argument(
        "--assignment",
        choices=("groups", "direct"),
        default="direct",
        help="how licences are assigned (default: direct)",
    )
    parser.add_argument(
        "--name",
        type=_like("[a-z0-9][a-z0-9-]{0,62}"),
        default=NAME,
        help="the tenant's name in files (default: contoso)",
    )
    parser.add_argument(
        "--tenant-id", type=_like(_GUID), default=NO_TENANT, metavar="GUID", help="the tenant (default: a placeholder)"
    )
    parser.add_argument(
        "--client-id",
        type=_like(_GUID),
        default=NO_CLIENT,
        metavar="GUID",
        help="the app registration that audits (default: a placeholder)",
    )
    _add_action_arguments(parser)
    parser.add_argument("--force", action="store_true", help="overwrite files that differ")
    declare(parser, "locale", locale="language of the messages; the files of the repository are in English")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no commands")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="a bug shows its traceback")


def _add_action_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mail-from",
        type=_like(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"),
        metavar="ADDRESS",
        help="the mailbox that sends the report, and gets it first (default: none)",
    )
    parser.add_argument(
        "--action",
        type=_like("[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}"),
        metavar="OWNER/NAME",
        help="the repository of this program that workflows use: the project has no public one yet, name yours",
    )
    parser.add_argument(
        "--pin",
        type=_like("[0-9a-f]{40}"),
        metavar="SHA",
        help="the commit of the action in workflows (default: that of this release; in a working copy, its tag)",
    )


def run(args: argparse.Namespace) -> int:
    """Run `auditor init`: 0 even if differing files were kept. Raises AuditorError before anything is written."""
    choices = Choices(
        large=args.size == "large",
        groups=args.assignment == "groups",
        agreement=args.agreement,
        name=args.name,
        tenant_id=args.tenant_id.lower(),
        client_id=args.client_id.lower(),
        sender=args.mail_from,
        action=args.action or __home__,
        pin=args.pin or __commit__,
    )
    l10n = localization(reader_locale(args.locale))
    _tell(scaffold(args.folder, choices, force=args.force), args.folder, choices, l10n)
    if not args.quiet:
        out("\n".join(commented(line, l10n) for line in setup_commands(choices, os.environ)))
    return 0


def _tell(done: Scaffold, folder: Path, choices: Choices, l10n: Localization) -> None:
    wrote = l10n.gettext("wrote {path}")
    kept = l10n.gettext("{path} differs and was left as it is (--force overwrites it)")
    for said, names in ((wrote, done.written), (kept, done.kept)):
        for name in names:
            say("auditor: " + printable(said.replace("{path}", str(folder / name))))
    written = any(name.startswith(".github/workflows/") for name in done.written)
    if choices.action == __home__ and written:
        say("auditor: " + l10n.gettext("the workflows name no repository yet and cannot run"))
        mend = l10n.gettext("name your own copy: --action OWNER/NAME --pin SHA")
        say(f"   = {l10n.gettext('help')}: {mend}")
    elif not choices.pin and written:
        moved = l10n.gettext(
            "this program does not know its release's commit: the workflows name a tag, which can be moved"
        )
        mend = l10n.gettext("`{command}` tells the commit to put there")
        command = f"gh api repos/{choices.action}/commits/v{__version__} --jq .sha"
        say(f"auditor: {moved}")
        say(f"   = {l10n.gettext('help')}: {mend.replace('{command}', command)}")
    if not done.written and not done.kept:
        say("auditor: " + l10n.gettext("all files exist already"))


def _like(pattern: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise argparse.ArgumentTypeError(Message("{text} does not look like one", text=repr(text)))
        return text

    return read
