"""Finds and loads policy files: those in the specified files and folders, or the starter library."""

import errno
import os
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path, PurePath
from typing import Final

from auditor import __version__, resources
from auditor.app.catalogue import active
from auditor.app.repository import repository_of
from auditor.catalogue.model import GUID
from auditor.domain.errors import AuditorError, Diagnostic, InputError, Span, UsageError
from auditor.domain.message import Message, unreadable
from auditor.files import input as files
from auditor.policy.extends import STARTER, Base
from auditor.policy.loader import Loaded, load
from auditor.policy.yaml.reader import MAX_BYTES, too_large

DEFAULT = Path("policies")
SUFFIXES = (".yaml", ".yml")
SCHEMAS: Final = ".schemas"
"""The folder of a team's repository with copies of the JSON Schemas, to which the first lines of its files refer."""
TEST_SUFFIX = "_test"
DECISIONS_FILES: Final = ("decisions.yaml", "decisions.yml")
"""The names of the decisions file next to policies."""
NOT_POLICIES: Final = frozenset({"decisions", "questions"})
"""The names of files in a policy folder that are not policy files, without suffix."""
COPY: Final = ".starter"
"""The folder next to a policy file with a copy of the starter library that the file is pinned to."""
LIBRARY = "auditor.policies"
"""The folder name of packaged files in messages and results."""
_SPECIFIED: Final = Message("specify files that end in .yaml, or run without a path to use the starter library")
_EXTENDED: Final = Message("specify a folder of policy files, relative to this file")


def load_policies(
    locations: Sequence[Path], *, waivers_from: date | None = None, decisions: Sequence[tuple[str, bytes]] = ()
) -> Loaded:
    """Load the policies of files and folders; if there are none, those of `policies/`, or else the starter library.

    Raises InputError with the errors of all files, and UsageError for a location without policies.
    """
    if not uses_library(locations):
        return _check_duplicate_prices(
            load(policy_files(locations), waivers_from=waivers_from, decisions=decisions, bases=installed_base)
        )
    library = library_files()
    try:
        # Every file was validated against the schema when it was packaged.
        return load(library, waivers_from=waivers_from, schema_checked=True, decisions=decisions)
    except (LookupError, TypeError, ValueError, AttributeError):
        return load(
            library, waivers_from=waivers_from
        )  # load again with validation, to report the errors of a damaged file


def _check_duplicate_prices(loaded: Loaded) -> Loaded:
    """Raise InputError if a product has a price by part number and by skuId, which only the catalogue can detect."""
    prices = {m.name.casefold(): node for m, node in loaded.mentions if node.path[:1] == ("prices",)}
    ids = [name for name in prices if GUID.fullmatch(name)]
    if not ids:
        return loaded
    part_number_of = {sku_id: product.part_number.casefold() for sku_id, product in active().products.items()}
    errors = [
        Diagnostic(
            slug="prices-duplicate",
            message=Message("'{name}' has more than one price", name=sku_id),
            span=prices[sku_id].span(key=True),
            hint=Message("the first price is at {file}:{line}", file=first.file, line=first.line),
        )
        for sku_id in ids
        if part_number_of.get(sku_id) in prices
        for first in [prices[part_number_of[sku_id]].span(key=True)]
    ]
    if errors:
        raise InputError(errors)
    return loaded


def decision_files(locations: Sequence[Path], file: Path | None = None) -> list[tuple[str, bytes]]:
    """Read the specified decisions file, or else each `decisions.yaml` next to the policies in some locations."""
    if file is not None:
        return [(file.as_posix(), read_yaml(file, None))]
    folders = [location if files.is_folder(location) else location.parent for location in locations or (DEFAULT,)]
    paths = [folder / name for folder in dict.fromkeys(folders) for name in DECISIONS_FILES]
    return [(path.as_posix(), read_yaml(path, path.parent)) for path in paths if exists(path)]


def policy_files(locations: Sequence[Path], *, hint: Message = _SPECIFIED) -> list[tuple[str, bytes]]:
    """Read each policy file in some locations once; return (name as specified, bytes), sorted by name.

    Raises UsageError with `hint` for a folder without policy files.
    """
    if uses_library(locations):
        return library_files()
    by_path: dict[Path, tuple[Path, Path | None]] = {}
    for location in _without_decisions(locations or (DEFAULT,)):
        root = location if files.is_folder(location) else None
        for path in _files_in(location, hint):
            by_path.setdefault(_resolved(path), (path, root))
    sorted_paths = sorted(by_path.values(), key=lambda item: item[0].as_posix())
    return [(path.as_posix(), read_yaml(path, root)) for path, root in sorted_paths]


def _without_decisions(locations: Sequence[Path]) -> Sequence[Path]:
    """Return the locations without files of decisions, which `policies/*.yaml` includes; else the folders of those."""
    others = [location for location in locations if location.name not in DECISIONS_FILES or not exists(location)]
    return others or [location.parent for location in locations]


def installed_base(file: str, location: str) -> Base:
    """Return the base that a file extends: the installed starter library, or a folder. Raises AuditorError."""
    if location.startswith(STARTER):
        return Base(files=tuple(library_files()), version=__version__, schema_checked=True)
    return Base(files=tuple(policy_files((_extended_folder(file, location),), hint=_EXTENDED)))


def pinned_base(file: str, location: str) -> Base:
    """Return the base that a file extends; for another version of the starter library, the copy next to the file.

    The caller checks the digest of the copy. Raises AuditorError.
    """
    version, copy = location.removeprefix(STARTER), Path(file).parent / COPY
    if version in {location, __version__} or not copy.is_dir():
        return installed_base(file, location)
    return Base(files=tuple(policy_files((copy,))), version=version)


def _extended_folder(file: str, location: str) -> Path:
    """Return the folder that a file extends. Raises UsageError if it is outside the repository of the file."""
    parent = Path(file).parent
    folder = Path(os.path.normpath(parent / location))
    if not files.is_folder(folder):
        raise missing_folder(folder)
    repository = repository_of(_resolved(parent))
    if repository is not None and not _resolved(folder).is_relative_to(repository):
        raise UsageError(
            "policies-missing",
            Message("{location} is outside the repository {repository}", location=folder, repository=repository),
            hint=Message("specify a folder of the same repository"),
        )
    return folder


def missing_folder(folder: PurePath) -> UsageError:
    """Return the error about a folder that a file extends and that does not exist."""
    return UsageError("policies-missing", Message("there is no folder {location}", location=folder), hint=_EXTENDED)


def uses_library(locations: Sequence[Path]) -> bool:
    """Return whether the starter library is used: no file is specified, and there is no folder policies/."""
    return not locations and not files.is_folder(DEFAULT)


def library_files() -> list[tuple[str, bytes]]:
    """Return the files of the packaged starter library."""
    return [
        (f"{LIBRARY}/{entry.name}", entry.read_bytes())
        for entry in sorted(resources.policies().iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(SUFFIXES) and not entry.name.rsplit(".", 1)[0].endswith(TEST_SUFFIX)
    ]


def _files_in(location: Path, hint: Message) -> Iterable[Path]:
    if files.is_folder(location):
        paths = list_folder(location, is_policy_file)
        for path in list_folder(location, is_test_file):
            _check_test(path, location)
        if not paths:
            raise UsageError("policies-none", Message("{location} has no policy file", location=location), hint=hint)
        return paths
    if not exists(location):
        raise UsageError(
            "policies-missing",
            Message("{location} does not exist", location=location),
            hint=Message("specify a policy file, or a folder of them"),
        )
    if location.stem.endswith(TEST_SUFFIX):
        raise UsageError(
            "policies-test",
            Message("{location} is a test of policies, not a policy file", location=location),
            hint=Message("run: auditor test {location}", location=location),
        )
    return [location]


def policies_beside(file: Path, locations: Sequence[Path]) -> Sequence[Path]:
    """Return the locations of the policies for a waiver or decisions file: the specified ones, or else its folder.

    Empty if the folder contains no policy, which means the starter library.
    """
    folder = file.parent
    return locations or ((folder,) if files.is_folder(folder) and files.list_files(folder, is_policy_file) else ())


def free_id(stem: str, ids: set[str]) -> str:
    """Return the first unused id of `stem`, `stem-2`, `stem-3`, …, and add it to `ids`."""
    name, number = stem, 1
    while name in ids:
        number += 1
        name = f"{stem}-{number}"
    ids.add(name)
    return name


def is_policy_file(path: Path) -> bool:
    """Return whether a file in a policy folder is a policy file: YAML, not hidden, no test, decisions or questions."""
    hidden = any(part.startswith(".") for part in path.parts)
    is_other_kind = path.stem.endswith(TEST_SUFFIX) or path.stem in NOT_POLICIES
    return path.suffix.lower() in SUFFIXES and not is_other_kind and not hidden


def is_test_file(path: Path) -> bool:
    """Return whether a file in a policy folder is a policy test: YAML with the name of a test, not hidden."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in SUFFIXES and path.stem.endswith(TEST_SUFFIX) and not hidden


def list_folder(folder: Path, predicate: Callable[[Path], bool]) -> list[Path]:
    """Return the paths below a folder for which `predicate` is true, sorted.

    Raises AuditorError if the folder cannot be read.
    """
    try:
        return files.list_files(folder, predicate)
    except OSError as error:
        raise _unreadable(Path(error.filename or folder), error) from error


def read_yaml(path: Path, root: Path | None) -> bytes:
    """Read a policy file or a policy test of at most 1 MB, which must not be outside `root`.

    Raises InputError (`yaml-too-large`) for a larger file, and AuditorError (`policies-unreadable`) if the file cannot
    be read or is not a regular file.
    """
    try:
        return files.read(path, max_bytes=MAX_BYTES, within=root)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise too_large(path.as_posix()) from error
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> AuditorError:
    hint = Message("specify a regular file that exists and that you may read")
    return AuditorError("policies-unreadable", unreadable(path, error), hint=hint)


def exists(path: Path) -> bool:
    """Return whether a path exists; False for a name with a NUL character."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a cycle of symbolic links (RuntimeError before Python 3.13)
        return path.absolute()


_TOP_LEVEL: Final = re.compile(
    rb"""(?m)^(?:\xef\xbb\xbf)?["']?(policies|populations|products|waivers|prices|defaults)["']?[ \t]*:"""
)
"""A key of a policy file at the start of a line, which a policy test never has."""


def _check_test(path: Path, root: Path) -> None:
    """Raise InputError if a test file defines policies: an audit does not read it, so they would have no effect."""
    content = read_yaml(path, root)
    match = _TOP_LEVEL.search(content)
    if match is None:
        return
    line = content.count(b"\n", 0, match.start()) + 1
    name = match[1].decode()
    text = content.splitlines()[line - 1].decode("utf-8", "replace")
    raise InputError(
        [
            Diagnostic(
                slug="policies-in-test",
                message=Message("'{name}' is in a test file, which an audit does not read", name=name),
                span=Span(file=path.as_posix(), line=line, column=1, end_column=len(name) + 1, text=text),
                hint=Message(
                    "move it into a policy file: one whose name does not end in {test_suffix}", test_suffix=TEST_SUFFIX
                ),
            )
        ]
    )
