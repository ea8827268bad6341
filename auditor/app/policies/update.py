"""Updates policy files to the installed starter library, and compares the policies before and after."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path, PurePath
from typing import Any, Final

import yaml
from msgspec import Struct
from msgspec.structs import replace

from auditor import __version__
from auditor.app.audit.run import Request
from auditor.app.policies.preview import policy_changes, previewed, side_of
from auditor.app.policy_files import COPY, installed_base, library_files, policy_files
from auditor.deliver.report_folder import ChildFile, write_all
from auditor.domain.errors import DeliveryError, InputError, UsageError
from auditor.domain.message import Message, unwritable
from auditor.domain.policy.model import PolicySet
from auditor.domain.preview import PolicyChange, Preview
from auditor.policy.documents import digest_of
from auditor.policy.extends import STARTER, Base
from auditor.policy.loader import load
from auditor.policy.yaml.reader import Document, parse

_WIDTH: Final = 100
"""Maximum line width of the YAML of a policy in a diff."""


class UpdatedFile(Struct, frozen=True, kw_only=True):
    """A policy file before and after the update to the installed library."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """The change as a unified diff; empty if there is none."""
        return _diff(self.path.as_posix(), self.before, self.after)


class LibraryUpdate(Struct, frozen=True, kw_only=True):
    """The changes of an update to the installed starter library."""

    files: tuple[UpdatedFile, ...]
    """Files that extend a library, or copies of files of the starter library."""
    copied: bool
    """Whether the policies are copies, which are not overwritten."""
    missing_files: tuple[str, ...]
    """Files of the library that are missing from a folder of copies."""
    policies: tuple[PolicyChange, ...] | None
    """The policies that are added, removed or edited; None if the earlier content is not known."""
    definitions: tuple[str, ...]
    """Names of populations and product sets that are added, removed or changed."""
    diffs: Mapping[str, str]
    """Policy id → its change as a unified diff, for policies that exist before and after."""
    preview: Preview | None
    """The effect on snapshots; None if none were specified or if the earlier content is not known."""

    @property
    def current(self) -> bool:
        """Whether the files are those of the installed library."""
        return all(not file.diff for file in self.files)


def update(paths: Sequence[Path], request: Request | None) -> LibraryUpdate:
    """Compare the policies of files and folders with those of the installed starter library, without writing files.

    With a request, its snapshots are evaluated with both. Raises InputError if the policies are not valid with the
    installed library, and AuditorError if a snapshot cannot be read.
    """
    before = policy_files(paths)
    documents = [parse(body, file=name) for name, body in before]
    extending = [document for document in documents if _extends(document)]
    files = tuple(_updated_file(document, dict(before)[document.file]) for document in extending) or tuple(
        _updated_copies(before)
    )
    after = [
        (name, {file.path.as_posix(): file.after.encode() for file in files}.get(name, body)) for name, body in before
    ]
    head = load(after, bases=installed_base).policies
    base = _pinned_policies(before) if extending else load(before).policies
    changes = None if base is None else tuple(change for change in policy_changes(base, head) if change.edited)
    preview = None
    if base is not None and request is not None:
        preview = previewed((side_of("before", base), base), (side_of(f"{STARTER}{__version__}", head), head), request)
    return LibraryUpdate(
        files=files,
        copied=not extending,
        missing_files=() if extending else tuple(_missing_files(before)),
        policies=changes,
        definitions=() if base is None else tuple(_changed_definitions(base, head)),
        diffs={} if base is None else _diffs(base, head),
        preview=preview,
    )


def write(update: LibraryUpdate) -> tuple[Path, ...]:
    """Write the files of an update, and a copy of the library next to those that extend it, for later comparison.

    Raises UsageError for copies, and DeliveryError if a file cannot be written.
    """
    if update.copied:
        raise UsageError(
            "policies-copied",
            Message("the policies are copies of the starter library, which are not overwritten"),
            hint=Message(
                "copy the changes that you want by hand, or extend {location} with `digest: {digest}`",
                location=f"{STARTER}{__version__}",
                digest=_digest(library_files()),
            ),
        )
    contents: dict[Path | ChildFile, bytes] = {
        file.path: file.after.encode() for file in update.files if file.before != file.after
    }
    library = {PurePath(name).name: body for name, body in library_files()}
    folders = tuple(dict.fromkeys(file.path.parent for file in update.files if STARTER in file.after))
    for folder in folders:
        contents |= {ChildFile(folder, (COPY, name)): body for name, body in library.items()}
    written = write_all(((path, [body]) for path, body in contents.items()), public=True)
    # Only now: if nothing could be written, the pinned content is still there.
    old_files = (path for folder in folders for path in (folder / COPY).glob("*.yaml") if path.name not in library)
    for path in old_files:
        try:
            path.unlink()
        except OSError as error:
            hint = Message("correct its permissions")
            raise DeliveryError("report-unwritable", unwritable(path, error), hint=hint) from error
    return written


def _extends(document: Document) -> Mapping[str, Any] | None:
    value = document.value
    extends = value.get("extends") if isinstance(value, dict) else None
    return extends if isinstance(extends, dict) and isinstance(extends.get("from"), str) else None


def _updated_file(document: Document, body: bytes) -> UpdatedFile:
    """Return a file before and after setting the version and the digest of the installed library."""
    extends = _extends(document)
    assert extends is not None
    text = body.decode("utf-8-sig")
    starter = str(extends["from"]).startswith(STARTER)
    source = f"{STARTER}{__version__}" if starter else str(extends["from"])
    base = installed_base(document.file, source)
    digest = _digest(base.files)
    edits = [(("extends", "from"), source)] if source != extends["from"] else []
    if extends.get("digest") != digest and "digest" in extends:
        edits.append((("extends", "digest"), digest))
    lines = text.splitlines(keepends=True)
    for path, value in sorted(edits, key=lambda edit: document.span(edit[0]).line, reverse=True):
        span = document.span(path)
        line = lines[span.line - 1]
        lines[span.line - 1] = line[: span.column - 1] + value + line[(span.end_column or len(line.rstrip())) - 1 :]
    if "digest" not in extends:
        _add_digest(document, lines, digest)
    return UpdatedFile(path=Path(document.file), before=text, after="".join(lines))


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    return digest_of(parse(body, file=name) for name, body in files)


def _add_digest(document: Document, lines: list[str], digest: str) -> None:
    """Insert a digest before `from`."""
    span = document.span(("extends", "from"), key=True)
    line = lines[span.line - 1]
    indent, rest = line[: span.column - 1], line[span.column - 1 :]
    lines[span.line - 1] = (
        f"{indent}digest: {digest}, {rest}" if indent.strip() else f"{indent}digest: {digest}\n{indent}{rest}"
    )


def _updated_copies(files: Sequence[tuple[str, bytes]]) -> Iterator[UpdatedFile]:
    """Yield the files that have the same name as a file of the library, before and after an update."""
    library = {PurePath(name).name: body for name, body in library_files()}
    for name, body in files:
        packaged = library.get(PurePath(name).name)
        if packaged is not None:
            before = body.decode("utf-8-sig").replace("\r\n", "\n")
            # The first line of a copy refers to the schemas in its own repository.
            comment, separator, rest = packaged.decode().replace("\r\n", "\n").partition("\n")
            old_first_line = before.partition("\n")[0]
            first_line = old_first_line if old_first_line.startswith("# yaml-language-server") else comment
            yield UpdatedFile(path=Path(name), before=before, after=first_line + separator + rest)


def _missing_files(files: Sequence[tuple[str, bytes]]) -> list[str]:
    names = {PurePath(name).name for name, _ in files}
    return [PurePath(name).name for name, _ in library_files() if PurePath(name).name not in names]


def _pinned_policies(files: Sequence[tuple[str, bytes]]) -> PolicySet | None:
    """Return the policies with the pinned content; None if neither a copy nor the program has this content."""
    for bases in (_copied_base, _unversioned_base):
        try:
            return load(files, bases=bases).policies
        except InputError as error:
            if any(diagnostic.slug != "extends-digest" for diagnostic in error.diagnostics):
                raise
    return None


def _copied_base(file: str, source: str) -> Base:
    """Return the base that a file extends: for the starter library, the copy next to the file."""
    copy = Path(file).parent / COPY
    if source.startswith(STARTER) and copy.is_dir():
        return Base(files=tuple(policy_files((copy,))), version=source.removeprefix(STARTER))
    return _unversioned_base(file, source)


def _unversioned_base(file: str, source: str) -> Base:
    """Return the base that a file extends; the digest is checked, not the version of the starter library."""
    base = installed_base(file, source)
    return replace(base, version=source.removeprefix(STARTER)) if base.version is not None else base


def _changed_definitions(before: PolicySet, after: PolicySet) -> Iterator[str]:
    """Yield the names of populations and product sets that are added, removed or changed."""
    for section in ("populations", "products"):
        old, new = before.definitions[section], after.definitions[section]
        yield from sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def _diffs(before: PolicySet, after: PolicySet) -> dict[str, str]:
    """Return the diff of each policy that exists on both sides, by id."""
    old, new = (
        {
            policy.id: yaml.safe_dump(dict(policy.spec), sort_keys=False, allow_unicode=True, width=_WIDTH)
            for policy in side.policies
        }
        for side in (before, after)
    )
    return {id_: diff for id_ in sorted(old.keys() & new.keys()) if (diff := _diff(id_, old[id_], new[id_]))}


def _diff(name: str, before: str, after: str) -> str:
    lines = unified_diff(before.splitlines(), after.splitlines(), f"{name} (before)", f"{name} (after)", lineterm="")
    return "\n".join(lines)
