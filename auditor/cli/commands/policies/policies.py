"""The command `auditor policies`: its options, its output and its exit code."""

import argparse

from auditor import __version__
from auditor.app.policies.update import LibraryUpdate, update, write
from auditor.cli.arguments.audit_request import preview_request
from auditor.cli.arguments.options import declare, reader_locale
from auditor.cli.terminal.console import out, print_message
from auditor.cli.written_documents import print_written
from auditor.domain.errors import printable_line
from auditor.render.preview.markdown import headline, kinds, state
from auditor.render.text.labels import Labels

EXAMPLES = """\
auditor policies update                              what the installed starter library changes in policies/
auditor policies update --snapshot snapshots/        and which findings appear and disappear
auditor policies update --write                      update: writes version and digest
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `auditor policies`."""
    parser.add_argument("action", choices=("update",), help="compare with the installed starter library")
    declare(parser, "policies")
    parser.add_argument("--write", action="store_true", help="write the new version and digest into the files")
    declare(
        parser,
        *("demo", "snapshot", "tenant", "as_of"),
        snapshot="also compare the findings of a snapshot: a folder, or a store (repeatable)",
        demo="also compare the findings of the built-in tenants",
        as_of="the instant of both audits (default: now)",
    )
    declare(parser, "names", "locale", "quiet")


def run(args: argparse.Namespace) -> int:
    """Run `auditor policies`; returns 0, or 3 if the findings could not be compared completely.

    Raises AuditorError before anything is written.
    """
    compares_findings = args.demo or args.snapshot
    changes = update(args.policies, preview_request(args) if compares_findings else None)
    l10n = Labels(reader_locale(args.locale))
    if not args.quiet:
        _print(changes, l10n)
    if args.write:
        print_written(write(changes), l10n)
    elif not changes.current and not changes.copied and not args.quiet:
        print_message(l10n.gettext("auditor: nothing was written; --write updates to the installed version"))
    return 3 if changes.preview is not None and not changes.preview.complete else 0


def _print(changes: LibraryUpdate, l10n: Labels) -> None:
    """Print changed policies, changed findings, and changes to files."""
    if changes.current:
        if changes.files:
            out(
                l10n.gettext("The policies are those of the installed starter library, {version}.", version=__version__)
            )
        _print_missing_files(changes, l10n)
        return
    if changes.policies is None:
        out(l10n.gettext("The pinned version of the library is not available, so nothing can be compared with it."))
    for policy in changes.policies or ():
        out(printable_line(f"{policy.id}: {state(policy, l10n)}: {l10n.policy(policy.title)}"))
        if policy.id in changes.diffs:
            _print_lines(changes.diffs[policy.id])
    if changes.definitions:
        names = ", ".join(changes.definitions)
        out(printable_line(l10n.gettext("Changed populations and product sets: {names}", names=names)))
    _print_missing_files(changes, l10n)
    if changes.preview is not None:
        _print_findings(changes, l10n)
    for file in changes.files:
        if file.diff and not changes.copied:
            _print_lines(file.diff)


def _print_missing_files(changes: LibraryUpdate, l10n: Labels) -> None:
    if changes.missing_files:
        names = ", ".join(changes.missing_files)
        text = l10n.gettext("Files of the starter library that the folder does not have: {names}", names=names)
        out(printable_line(text))


def _print_lines(text: str) -> None:
    for line in text.splitlines():
        out(printable_line(line))


def _print_findings(changes: LibraryUpdate, l10n: Labels) -> None:
    preview = changes.preview
    assert preview is not None
    out(printable_line(headline(preview, l10n)))
    for tenant in preview.everywhere:
        lines = [(_SIGNS[kind], line) for kind, rows in kinds(tenant, l10n) if kind in _SIGNS for line in rows]
        for sign, line in lines[:_MAX_FINDINGS]:
            out(printable_line(f"{sign} {tenant.name or 'fleet'}: {line}"))
        if len(lines) > _MAX_FINDINGS:
            out(f"  {l10n.more(len(lines) - _MAX_FINDINGS)}")


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_MAX_FINDINGS = 50
"""Maximum number of findings that are listed for a tenant."""
