"""Places that people name into policy files: the folder's own, or the starter library where there is none."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

from auditor import resources
from auditor.app.catalogue import active
from auditor.domain.errors import AuditorError, Diagnostic, InputError, UsageError
from auditor.policy.loading import Loaded, load

DEFAULT = Path("policies")
SUFFIXES = (".yaml", ".yml")
TEST_SUFFIX = "_test"
LIBRARY = "auditor.policies"
"""How files of the packaged starter library are called in messages and results."""


def load_policies(places: Sequence[Path], *, waivers_from: date | None = None) -> Loaded:
    """Load the policies of some files and folders; of `policies/`, else the starter library, where none is named.

    Raises InputError with every mistake of every file, and UsageError for a place that holds no policy.
    """
    if not _library_is_meant(places):
        return _priced_once(load(policy_files(places), waivers_from=waivers_from))
    files = library_files()
    try:
        # Every file of it was checked against the schema when it was packaged.
        return load(files, waivers_from=waivers_from, fitting=True)
    except (LookupError, TypeError, ValueError, AttributeError):
        return load(files, waivers_from=waivers_from)  # a damaged one: this tells what is wrong with it, and where


def _priced_once(loaded: Loaded) -> Loaded:
    """Refuse a price by part number beside one by skuId of the same product, which only the catalogue can tell."""
    prices = {m.name.casefold(): node for m, node in loaded.mentions if node.path[:1] == ("prices",)}
    ids = [name for name in prices if _GUID.fullmatch(name)]
    if not ids:
        return loaded
    known = {sku_id: product.part_number.casefold() for sku_id, product in active().products.items()}
    found = [
        Diagnostic(
            slug="prices-duplicate",
            message=f"'{sku_id}' is priced twice",
            span=prices[sku_id].span(key=True),
            hint=f"the first price is at {first.file}:{first.line}",
        )
        for sku_id in ids
        if known.get(sku_id) in prices
        for first in [prices[known[sku_id]].span(key=True)]
    ]
    if found:
        raise InputError(found)
    return loaded


_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def policy_files(places: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Read the policy files of some places, each once; (name as given, bytes) in order of name."""
    if _library_is_meant(places):
        return library_files()
    found: dict[Path, Path] = {}
    for place in places or (DEFAULT,):
        for path in _of(place):
            found.setdefault(path.resolve(), path)
    return [(path.as_posix(), _read(path)) for path in sorted(found.values(), key=lambda path: path.as_posix())]


def _library_is_meant(places: Sequence[Path]) -> bool:
    return not places and not DEFAULT.is_dir()


def library_files() -> list[tuple[str, bytes]]:
    """Read the starter library that ships with the program."""
    return [
        (f"{LIBRARY}/{entry.name}", entry.read_bytes())
        for entry in sorted(resources.policies().iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(SUFFIXES) and not entry.name.rsplit(".", 1)[0].endswith(TEST_SUFFIX)
    ]


def _of(place: Path) -> Iterable[Path]:
    if place.is_dir():
        found = [path for path in sorted(place.rglob("*")) if is_policy_file(path.relative_to(place))]
        if not found:
            raise UsageError(
                "policies-none",
                f"{place} holds no policy file",
                hint="name files that end in .yaml, or run without a path to use the starter library",
            )
        return found
    if not place.exists():
        raise UsageError("policies-missing", f"{place} does not exist", hint="name a policy file, or a folder of them")
    if place.stem.endswith(TEST_SUFFIX):
        raise UsageError(
            "policies-test", f"{place} is a test of policies, not a policy file", hint=f"run: auditor test {place}"
        )
    return [place]


def is_policy_file(path: Path) -> bool:
    """Whether a file of a folder is a policy file: YAML, no test, nothing hidden."""
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix in SUFFIXES and not path.stem.endswith(TEST_SUFFIX) and not hidden


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AuditorError("policies-unreadable", f"{path} cannot be read: {error.strerror}", hint=None) from error
