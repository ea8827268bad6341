"""Builds the files of a team's repository (`auditor init`) and the commands that prepare its tenant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auditor import __commit__, __home__, __version__, resources
from auditor.app.policy_files import SCHEMAS, TEST_SUFFIX, is_policy_file, list_folder, read_yaml
from auditor.app.tenants.permission_grants import federation_commands, grant_commands
from auditor.checks.data_needs import needs
from auditor.deliver.report_folder import ChildFile, write_all
from auditor.domain.enums import Agreement
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.tenant import Tenant
from auditor.domain.translation import N_
from auditor.files.input import COLUMNS, TABLE, opened
from auditor.policy.loader import load
from auditor.policy.yaml.reader import parse
from auditor.settings.loader import load as load_tenants

SMALL: Final = ("sets", "capacity", "lifecycle", "entitlement", "overlap", "reclaim", "health")
"""Policy files for any tenant, without sign-in data and mailbox types."""
LARGE: Final = (*SMALL, "add-ons", "inactivity", "mailboxes")
GROUPS: Final = "governance"
"""The policy file that requires group licences for suites."""
_PLACES: Final[Mapping[str, str]] = {
    "tenants.yaml": "tenants.yaml",
    "decisions.yaml": "policies/decisions.yaml",
    "nightly-audit.yml": ".github/workflows/nightly-audit.yml",
    "policy-preview.yml": ".github/workflows/policy-preview.yml",
    "dependabot.yml": ".github/dependabot.yml",
    "CODEOWNERS": ".github/CODEOWNERS",
    "pre-commit-config.yaml": ".pre-commit-config.yaml",
    "README.md": "README.md",
    "gitignore": ".gitignore",
}
"""Template → path in the repository."""
_WRITTEN: Final = ("policy", "policy-test", "decisions", "tenants")
"""The schemas of files that people write."""
_OUR_SCHEMAS: Final = re.compile(rb"\A(# yaml-language-server: \$schema=\.\./)auditor/schemas/")
_WORD: Final = re.compile(r"@([A-Z]+)@")
NAME: Final = "contoso"
NO_TENANT: Final = "11111111-2222-3333-4444-555555555555"
NO_CLIENT: Final = "00000000-0000-0000-0000-000000000000"
"""Placeholder for the client id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options of `auditor init`."""

    large: bool
    groups: bool
    """Whether licences are assigned by groups."""
    agreement: Agreement
    name: str = NAME
    tenant_id: str = NO_TENANT
    client_id: str = NO_CLIENT
    sender: str | None = None
    """The mailbox that sends; None for an example and no nightly mail."""
    action: str = __home__
    """The repository of the action."""
    pin: str = __commit__
    """The commit of the action that workflows use; empty for its tag, which could be moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """The result for each file, as paths within the folder."""

    written: tuple[str, ...]
    same: tuple[str, ...]
    kept: tuple[str, ...]
    """Existing files with other content, which were not changed."""


def scaffold(folder: Path, choices: Choices, *, force: bool) -> Scaffold:
    """Write the missing files, all or none; an existing file with other content is kept unless `force`.

    Raises InputError if the policies conflict with existing ones.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            "init-folder", Message("{folder} is a file, not a folder", folder=folder), hint=Message("name a folder")
        )
    written: dict[Path, bytes] = {}
    same: list[str] = []
    kept: list[str] = []
    files = scaffold_files(choices)
    for name, body in files.items():
        path = folder / name
        if not path.is_symlink() and not path.exists():
            written[path] = body
        elif path.is_file() and _there(path) == body:
            same.append(name)
        elif force:
            if path.is_dir():
                raise UsageError(
                    "init-folder", Message("{path} is a folder, not a file", path=path), hint=Message("move it away")
                )
            written[path] = body
        else:
            kept.append(name)
    _check_together(folder, written)
    # Files of a repository contain no tenant data.
    write_all(
        ((ChildFile(folder, path.relative_to(folder).parts), [body]) for path, body in written.items()), public=True
    )
    return Scaffold(
        written=tuple(path.relative_to(folder).as_posix() for path in written), same=tuple(same), kept=tuple(kept)
    )


def _there(path: Path) -> bytes:
    """Return the beginning of an existing file, long enough to compare it with the one to write."""
    with opened(path, most=COLUMNS) as file:
        return file.read(TABLE)


def scaffold_files(choices: Choices) -> dict[str, bytes]:
    """Return every file of the scaffold by its path, in order."""
    found = {f"policies/{name}": body for name, body in _policies(choices).items()}
    found |= {
        f"{SCHEMAS}/{name}.v1.json": resources.schema(name).replace(__home__, choices.action).encode()
        for name in _WRITTEN
    }
    example = "licensing@contoso.example"
    words = {
        "NAME": choices.name,
        "TENANT": choices.tenant_id,
        "CLIENT": choices.client_id,
        "AGREEMENT": choices.agreement.value,
        "FROM": choices.sender or "audit@contoso.example",
        "RECIPIENT": choices.sender or example,
        "SEND": "false" if choices.sender is None else "true",
        "USES": used(choices),
        "REV": f"{choices.pin} # frozen: v{__version__}" if choices.pin else f"v{__version__}",
        "HOME": choices.action,
        "VERSION": __version__,
    }
    folder = resources.reports() / "templates" / "scaffold"
    for template, place in _PLACES.items():
        text = (folder / template).read_text(encoding="utf-8").replace("\r\n", "\n")
        found[place] = _WORD.sub(lambda match: words[match[1]], text).encode()
    load_tenants(found["tenants.yaml"], file="tenants.yaml")
    return dict(sorted(found.items()))


def used(choices: Choices) -> str:
    """Return the `uses:` value of the action."""
    if choices.pin:
        return f"{choices.action}@{choices.pin} # v{__version__}"
    return f"{choices.action}@v{__version__} # a tag can be moved: put the full commit of the release here"


def setup_commands(choices: Choices, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the commands that prepare the tenant: application, permissions, federation, scope of the mailbox.

    Their comments are messages that the caller translates.
    """
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  brings Arrow; `--help` needs none

    tenant = Tenant(name=choices.name, tenant_id=choices.tenant_id)
    client = None if choices.client_id == NO_CLIENT else choices.client_id
    files = [(name, body) for name, body in _policies(choices).items() if not _is_test(name)]
    wanted = permissions_for(needs(load(files).policies))
    federation, forms = federation_commands(tenant, client or "CLIENT_ID", environ)
    sender = choices.sender or "audit@contoso.example"
    principal = f"--query id --output tsv  # {N_('the SERVICE_PRINCIPAL_ID of step 4')}"
    registration = (
        f"# {N_('1. The app registration (Azure CLI); its appId is CLIENT_ID, and clientId in tenants.yaml')}",
        f"az login --tenant {choices.tenant_id} --allow-no-subscriptions",
        "az ad app create --display-name 'Licence auditor' --sign-in-audience AzureADMyOrg --query appId --output tsv",
        f"az ad sp create --id CLIENT_ID {principal}",
    )
    known = (
        f"# {N_('1. The app registration is there (--client-id)')}",
        f"az login --tenant {choices.tenant_id} --allow-no-subscriptions",
        f"az ad sp show --id {client} {principal}",
    )
    return (
        *(registration if client is None else known),
        "",
        f"# {N_('2. Its permissions, only what the chosen policies need:')}",
        f"#    {', '.join(item.name for item in wanted)}",
        *grant_commands(tenant, client, wanted),
        "",
        f"# {N_('3. The federated credential, so that no secret exists')}",
        f"#    {N_('Its subject has one of two forms; newer repositories use the one with ids:')}",
        *(f"#    {form}" for form in forms),
        *federation,
        "",
        f"# {N_('4. The sending mailbox (Exchange Online PowerShell): nothing but this one')}",
        f"#    {N_('Give no Mail.Send in Entra: grants add up.')}",
        "Connect-ExchangeOnline",
        (
            f"New-ServicePrincipal -AppId {client or 'CLIENT_ID'} -ObjectId SERVICE_PRINCIPAL_ID"
            " -DisplayName 'Licence auditor'"
        ),
        (
            "New-ManagementScope -Name 'Licence auditor mailbox'"
            f" -RecipientRestrictionFilter \"PrimarySmtpAddress -eq '{sender}'\""
        ),
        (
            "New-ManagementRoleAssignment -App SERVICE_PRINCIPAL_ID -Role 'Application Mail.Send'"
            " -CustomResourceScope 'Licence auditor mailbox'"
        ),
        f"Test-ServicePrincipalAuthorization -Identity SERVICE_PRINCIPAL_ID -Resource {sender}",
    )


def _policies(choices: Choices) -> dict[str, bytes]:
    """Return the chosen files of the starter library with the tests that need no other file."""
    stems = [*(LARGE if choices.large else SMALL), *([GROUPS] if choices.groups else [])]
    library = resources.policies()
    files = {f"{stem}.yaml": _copied((library / f"{stem}.yaml").read_bytes()) for stem in sorted(stems)}
    known = {policy.id for policy in load(files.items()).policies.policies}
    for stem in sorted(stems):
        name = f"{stem}{TEST_SUFFIX}.yaml"
        body = _copied((library / name).read_bytes())
        if _named(body, name) <= known:
            files[name] = body
    return dict(sorted(files.items()))


def _copied(body: bytes) -> bytes:
    """Return a file of the library whose first line names the schema in the team's repository."""
    return _OUR_SCHEMAS.sub(rb"\1" + SCHEMAS.encode() + b"/", body.replace(b"\r\n", b"\n"))


def _named(body: bytes, name: str) -> set[str]:
    """Return the policies that a test file names."""
    value: Any = parse(body, file=name).value
    tests = value["tests"]
    listed = {str(policy) for test in tests for policy in test.get("policies") or ()}
    return listed | {str(item["policy"]) for test in tests for item in test.get("expect") or () if "policy" in item}


def _is_test(name: str) -> bool:
    return name.rsplit(".", 1)[0].endswith(TEST_SUFFIX)


def _check_together(folder: Path, written: Mapping[Path, bytes]) -> None:
    """Load the scaffold's policies together with existing ones, to find duplicate ids before writing."""
    place = folder / "policies"
    new = {path: body for path, body in written.items() if path.parent == place and is_policy_file(Path(path.name))}
    if not new:
        return
    there = list_folder(place, is_policy_file) if place.is_dir() else []
    old = {path: read_yaml(path, place) for path in there}
    load((str(path), body) for path, body in sorted({**old, **new}.items()))
