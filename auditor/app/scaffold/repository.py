"""Builds and writes the files of a team's repository (`auditor init`)."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, unified_diff
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Final

from msgspec import Struct
from msgspec.structs import fields, replace

from auditor import __home__, __version__, resources
from auditor.app.policy_files import SCHEMAS, installed_base, is_policy_file, library_files, list_folder, read_yaml
from auditor.app.scaffold.choices import CI, Choices, existing_choices
from auditor.app.scaffold.starter_policies import EXTENDING, filled, starter_files, template
from auditor.deliver.report_folder import ChildFile, write_all
from auditor.domain.enums import Cloud
from auditor.domain.errors import InputError, UsageError
from auditor.domain.message import Message
from auditor.files.input import COLUMNS, TABLE, is_file, opened
from auditor.graph import clouds
from auditor.policy.loader import load
from auditor.settings.loader import load as load_tenants

_TEMPLATES: Final[Mapping[str, str]] = {
    "tenants.yaml": "tenants.yaml",
    "decisions.yaml": "policies/decisions.yaml",
    "pre-commit-config.yaml": ".pre-commit-config.yaml",
    "gitignore": ".gitignore",
    "README.md": "README.md",
}
"""Template → path in the repository."""
_GITHUB_TEMPLATES: Final[Mapping[str, str]] = {
    "nightly-audit.yml": ".github/workflows/nightly-audit.yml",
    "policy-preview.yml": ".github/workflows/policy-preview.yml",
    "dependabot.yml": ".github/dependabot.yml",
    "CODEOWNERS": ".github/CODEOWNERS",
}
"""Template → path in the repository, for `--ci github`."""
_ENVIRONMENTS: Final = {
    Cloud.WORLDWIDE: "Azure Cloud",
    Cloud.USGOV: "Azure US Government",
    Cloud.USGOV_DOD: "Azure US Government",
    Cloud.CHINA: "Azure China Cloud",
}
"""The names of clouds in service connections of Azure DevOps."""
_SCHEMA_NAMES: Final = ("policy", "policy-test", "decisions", "tenants")
"""The schemas of the files that users edit."""


class Scaffold(Struct, frozen=True, kw_only=True):
    """The outcome for each file, as paths relative to the folder."""

    written: tuple[str, ...]
    updated: tuple[str, ...]
    """Existing files in which the lines of changed choices were replaced; other lines are unchanged."""
    kept: tuple[tuple[str, str], ...]
    """Existing files with different content, each with a diff to the content that `force` would write."""
    others: tuple[str, ...]
    """Existing files of a nightly audit in another CI system than the selected one."""


def scaffold(folder: Path, choices: Choices, *, force: bool) -> Scaffold:
    """Write the missing files, either all or none.

    In existing files, lines that depend on a changed choice are replaced, such as the id of the application; other
    differences are kept unless `force` is set. Raises InputError or UsageError if the policies conflict with existing
    ones.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            "init-folder", Message("{folder} is a file, not a folder", folder=folder), hint=Message("specify a folder")
        )
    new_contents: dict[Path, bytes] = {}
    updated: list[str] = []
    different: list[tuple[str, str]] = []
    steps = tuple(_steps(folder, choices))
    for name, body in scaffold_files(choices).items():
        path = folder / name
        if not path.is_symlink() and not path.exists():
            new_contents[path] = body
        elif path.is_file() and not path.is_symlink() and (current := _read_existing(path)) == body:
            continue
        elif force:
            if path.is_dir():
                raise UsageError(
                    "init-folder", Message("{path} is a folder, not a file", path=path), hint=Message("move it away")
                )
            new_contents[path] = body
        elif path.is_symlink() or not path.is_file():
            different.append((name, ""))
        else:
            merged = current
            for before, after in pairwise(steps):
                if name in before and name in after:
                    merged = _merged(merged, before[name], after[name])
            if merged != current:
                new_contents[path] = merged
                updated.append(name)
            if merged != body:
                different.append((name, _diff(name, merged, body)))
    _check_policies(folder, new_contents)
    # Files of a repository contain no tenant data.
    write_all(
        ((ChildFile(folder, path.relative_to(folder).parts), [body]) for path, body in new_contents.items()),
        public=True,
    )
    return Scaffold(
        written=tuple(name for path in new_contents if (name := path.relative_to(folder).as_posix()) not in updated),
        updated=tuple(updated),
        kept=tuple(different),
        others=tuple(file for name, (file, _) in CI.items() if name != choices.ci and is_file(folder / file)),
    )


def _steps(folder: Path, choices: Choices) -> Iterator[dict[str, bytes]]:
    """Yield the scaffold for the existing choices of a folder, then for each changed choice, applied one by one.

    This finds the lines of one choice in an edited file even if the neighbouring lines of another choice were edited.
    """
    state = replace(choices, **existing_choices(folder))
    yield scaffold_files(state)
    for field in fields(Choices):
        value = getattr(choices, field.name)
        if getattr(state, field.name) != value:
            state = replace(state, **{field.name: value})
            yield scaffold_files(state)


def _read_existing(path: Path) -> bytes:
    """Return the beginning of an existing file, long enough to compare it with the file to write.

    CRLF, which git may have written on Windows, is replaced by LF as in the scaffold.
    """
    with opened(path, max_bytes=COLUMNS) as file:
        return file.read(TABLE).replace(b"\r\n", b"\n")


def _merged(current: bytes, before: bytes, after: bytes) -> bytes:
    """Replace the lines in `current` that differ between `before` and `after`, if they are as in `before`."""
    old, new = (text.decode().splitlines(keepends=True) for text in (before, after))
    merged = b"\n" + current
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        anchor = first - 1 if kind == "insert" and first else first
        replaced, lines = ("".join(part).encode() for part in (old[anchor:last], [*old[anchor:first], *new[start:end]]))
        if replaced:
            merged = merged.replace(b"\n" + replaced, b"\n" + lines)
    return merged[1:]


def _diff(name: str, current: bytes, scaffolded: bytes) -> str:
    """Return a unified diff; empty if the existing file is not text."""
    try:
        old, new = current.decode().splitlines(), scaffolded.decode().splitlines()
    except UnicodeDecodeError:
        return ""
    return "\n".join(unified_diff(old, new, name, f"{name} (auditor init)", lineterm="", n=1))


def scaffold_files(choices: Choices) -> dict[str, bytes]:
    """Return all files of the scaffold by path, sorted."""
    starter = starter_files(large=choices.large, groups=choices.groups, extend=choices.extend)
    bodies = {f"policies/{name}": body for name, body in starter.items()}
    bodies |= {
        f"{SCHEMAS}/{name}.v1.json": resources.schema(name).replace(__home__, choices.action).encode()
        for name in _SCHEMA_NAMES
    }
    values = _values(choices)
    for name, path in {**_TEMPLATES, **_ci_templates(choices)}.items():
        bodies[path] = filled(template(name), values).encode()
    load_tenants(bodies["tenants.yaml"], file="tenants.yaml")
    return dict(sorted(bodies.items()))


def unusable_files(choices: Choices) -> tuple[str, ...]:
    """Return the files that download the program from its placeholder repository, which does not exist."""
    return tuple(
        name
        for name, body in scaffold_files(choices).items()
        if __home__.encode() in body and not name.startswith(f"{SCHEMAS}/") and not name.endswith(".md")
    )


def _ci_templates(choices: Choices) -> Mapping[str, str]:
    """Return template → path of the files for the nightly audit."""
    if choices.ci is None or choices.ci == "github":
        return {} if choices.ci is None else _GITHUB_TEMPLATES
    file = CI[choices.ci][0]
    return {file.removeprefix("."): file}


def _values(choices: Choices) -> dict[str, str]:
    """Return the values of the placeholders in templates, such as @NAME@."""
    addresses = clouds.addresses(choices.cloud)
    values = {
        "NAME": choices.name,
        "TENANT": choices.tenant_id,
        "CLOUD": "" if choices.cloud is Cloud.WORLDWIDE else f"\n    cloud: {choices.cloud.value}",
        "CREDENTIAL": choices.credential_yaml,
        "AGREEMENT": choices.agreement.value,
        "MAIL": _mail(choices),
        "SEND": "false" if choices.sender is None else "true",
        "USES": choices.uses,
        "REV": f"{choices.pin} # frozen: v{__version__}" if choices.pin else f"v{__version__}",
        "HOME": choices.action,
        "SOURCE": choices.source,
        "REF": choices.ref,
        "VERSION": __version__,
        "AUDIENCE": addresses.federation_audience,
        "AUTHORITY": addresses.authority,
        "BRANCH": choices.branch,
        "ENVIRONMENT": _ENVIRONMENTS[choices.cloud],
    }
    parts = zip(("FILES", "REVIEW", "SETUP"), _parts(f"readme-{choices.ci or 'none'}.md"), strict=True)
    values |= {name: filled(part, values) for name, part in parts}
    values["FILES"] = f"\n{values['FILES']}".rstrip()
    policies = _parts(f"readme-{'extend' if choices.extend else 'copy'}.md")
    return values | dict(zip(("POLICIES", "UPGRADE"), policies, strict=True))


def _parts(name: str) -> list[str]:
    """Return the parts of a template, which are inserted at different positions of README.md."""
    return [part.strip() for part in re.split(r"(?m)^---$", template(name))]


def _mail(choices: Choices) -> str:
    """Return the end of tenants.yaml: the recipients and the sender of the report."""
    if choices.sender is None:
        return "    # `auditor init --mail-from ADDRESS` adds recipients, and the mailbox that sends."
    return (
        f'    recipients: [{{address: "{choices.sender}", severities: [critical, high]}}]\n'
        f'mail:\n  from: "{choices.sender}"   # a mailbox of this tenant; a shared one needs no licence\n'
        f"  graph: {{tenant: {choices.name}}}"
    )


def _check_policies(folder: Path, new_contents: Mapping[Path, bytes]) -> None:
    """Load the scaffold's policies together with existing ones, to find duplicate ids before writing."""
    policies = folder / "policies"
    new = {
        path: body for path, body in new_contents.items() if path.parent == policies and is_policy_file(Path(path.name))
    }
    if not new:
        return
    existing = list_folder(policies, is_policy_file) if policies.is_dir() else []
    old = {path: read_yaml(path, policies) for path in existing}
    try:
        load(((str(path), body) for path, body in sorted({**old, **new}.items())), bases=installed_base)
    except InputError as error:
        copies = {str(policies / PurePath(name).name) for name, _ in library_files()}
        wrong = {each.span.file for each in error.diagnostics if each.span is not None}
        extending = policies / EXTENDING
        duplicates = all(each.slug in {"policy-duplicate-id", "policy-duplicate-name"} for each in error.diagnostics)
        if not duplicates or not wrong <= copies or extending not in {*old, *new}:
            raise
        same = wrong if extending in new else {str(extending)}
        raise UsageError(
            "init-policies",
            Message(
                "these files in policies/ define the same policies: {names}",
                names=", ".join(sorted(PurePath(path).name for path in same)),
            ),
            hint=Message("delete them and their tests first, or leave out --policies"),
        ) from error
