"""Builds the files of a team's repository (`auditor init`) and the commands that prepare its tenant."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from typing import Any, Final

from auditor import __home__, __version__, resources
from auditor.app.policy_files import SCHEMAS, TEST_SUFFIX, installed_base, is_policy_file, list_folder, read_yaml
from auditor.app.scaffold_choices import CI, NO_CLIENT, Choices, existing_choices
from auditor.app.tenants.application_setup import (
    ApplicationSetup,
    azure_cli_commands,
    mailbox_commands,
    powershell_commands,
)
from auditor.checks.data_needs import needs
from auditor.deliver.report_folder import ChildFile, write_all
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
    "pre-commit-config.yaml": ".pre-commit-config.yaml",
    "gitignore": ".gitignore",
}
"""Template → path in the repository."""
_GITHUB_PLACES: Final[Mapping[str, str]] = {
    "nightly-audit.yml": ".github/workflows/nightly-audit.yml",
    "policy-preview.yml": ".github/workflows/policy-preview.yml",
    "dependabot.yml": ".github/dependabot.yml",
    "CODEOWNERS": ".github/CODEOWNERS",
    "README.md": "README.md",
}
"""The same of a repository on GitHub."""
_WRITTEN: Final = ("policy", "policy-test", "decisions", "tenants")
"""The schemas of files that people write."""
_OUR_SCHEMAS: Final = re.compile(rb"\A(# yaml-language-server: \$schema=\.\./)auditor/schemas/")
_EVERY_NIGHT: Final = N_("Every night: the steps under `Set up` in README.md")
_WORD: Final = re.compile(r"@([A-Z]+)@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaffold:
    """The result for each file, as paths within the folder."""

    written: tuple[str, ...]
    same: tuple[str, ...]
    updated: tuple[str, ...]
    """Existing files in which the lines were replaced that other choices change; everything else in them stays."""
    kept: tuple[tuple[str, str], ...]
    """Existing files with other content, which were not changed, each with a diff to what `force` would write."""


def scaffold(folder: Path, choices: Choices, *, force: bool) -> Scaffold:
    """Write the missing files, all or none.

    In an existing file, lines that another choice changes are replaced, such as the id of the application; what else
    differs is kept unless `force`. Raises InputError if the policies conflict with existing ones.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            "init-folder", Message("{folder} is a file, not a folder", folder=folder), hint=Message("name a folder")
        )
    written: dict[Path, bytes] = {}
    same: list[str] = []
    updated: list[str] = []
    kept: list[tuple[str, str]] = []
    before = scaffold_files(replace(choices, **existing_choices(folder)))
    for name, body in scaffold_files(choices).items():
        path = folder / name
        if not path.is_symlink() and not path.exists():
            written[path] = body
        elif path.is_file() and not path.is_symlink() and (there := _there(path)) == body:
            same.append(name)
        elif force:
            if path.is_dir():
                raise UsageError(
                    "init-folder", Message("{path} is a folder, not a file", path=path), hint=Message("move it away")
                )
            written[path] = body
        elif path.is_symlink() or not path.is_file():
            kept.append((name, ""))
        else:
            merged = _merged(there, before.get(name, body), body)
            if merged != there:
                written[path] = merged
                updated.append(name)
            if merged != body:
                kept.append((name, _diff(name, merged, body)))
    _check_together(folder, written)
    # Files of a repository contain no tenant data.
    write_all(
        ((ChildFile(folder, path.relative_to(folder).parts), [body]) for path, body in written.items()), public=True
    )
    return Scaffold(
        written=tuple(name for path in written if (name := path.relative_to(folder).as_posix()) not in updated),
        same=tuple(same),
        updated=tuple(updated),
        kept=tuple(kept),
    )


def _there(path: Path) -> bytes:
    """Return the beginning of an existing file, long enough to compare it with the one to write.

    Lines end as in the scaffold: git may have written them with CRLF on Windows.
    """
    with opened(path, most=COLUMNS) as file:
        return file.read(TABLE).replace(b"\r\n", b"\n")


def _merged(there: bytes, before: bytes, after: bytes) -> bytes:
    """Replace in `there` the lines in which `after` differs from `before`, where they are as in `before`."""
    old, new = (text.decode().splitlines(keepends=True) for text in (before, after))
    merged = b"\n" + there
    for kind, first, last, start, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        anchor = first - 1 if kind == "insert" and first else first
        wanted, lines = ("".join(part).encode() for part in (old[anchor:last], [*old[anchor:first], *new[start:end]]))
        if wanted:
            merged = merged.replace(b"\n" + wanted, b"\n" + lines)
    return merged[1:]


def _diff(name: str, there: bytes, wanted: bytes) -> str:
    """Return a unified diff; empty if the existing file is no text."""
    try:
        old, new = there.decode().splitlines(), wanted.decode().splitlines()
    except UnicodeDecodeError:
        return ""
    return "\n".join(unified_diff(old, new, name, f"{name} (auditor init)", lineterm="", n=1))


def scaffold_files(choices: Choices) -> dict[str, bytes]:
    """Return every file of the scaffold by its path, in order."""
    found = {f"policies/{name}": body for name, body in _policies(choices).items()}
    found |= {
        f"{SCHEMAS}/{name}.v1.json": resources.schema(name).replace(__home__, choices.action).encode()
        for name in _WRITTEN
    }
    words = {
        "NAME": choices.name,
        "TENANT": choices.tenant_id,
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
    }
    places = {**_PLACES, **_GITHUB_PLACES}
    if choices.ci != "github":
        file = CI[choices.ci][0]
        words |= {"FILE": file, "SETUP": _template(f"setup-{choices.ci}.md").strip()}
        places = {**_PLACES, file.removeprefix("."): file, "README-ci.md": "README.md"}
    for template, place in places.items():
        found[place] = _WORD.sub(lambda match: words[match[1]], _template(template)).encode()
    load_tenants(found["tenants.yaml"], file="tenants.yaml")
    return dict(sorted(found.items()))


def _template(name: str) -> str:
    path = resources.reports() / "templates" / "scaffold" / name
    return path.read_text(encoding="utf-8").replace("\r\n", "\n")


def _mail(choices: Choices) -> str:
    """Return the end of tenants.yaml: who sends the report, and who reads it."""
    if choices.sender is None:
        return "    # `auditor init --mail-from ADDRESS` adds recipients, and the mailbox that sends."
    return (
        f'    recipients: [{{address: "{choices.sender}", severities: [critical, high]}}]\n'
        f'mail:\n  from: "{choices.sender}"   # a mailbox of this tenant; a shared one needs no licence\n'
        f"  graph: {{tenant: {choices.name}}}"
    )


def setup_commands(choices: Choices, folder: Path) -> tuple[str, ...]:
    """Return the commands of the set-up: sign-in, application, permissions, mailbox, first audit.

    Their comments are messages that the caller translates.
    """
    tenant = Tenant(name=choices.name, tenant_id=choices.tenant_id)
    client = None if choices.client_id == NO_CLIENT else choices.client_id
    place = "" if folder == Path() else f' "{folder}"' if " " in str(folder) else f" {folder}"
    first = (f"cd{place}",) if place else ()
    if choices.ci == "azure-devops" and client is not None:
        # The service connection has its application, which needs the permissions only.
        choices = replace(choices, credential="workload-identity")
    on_github = (
        f"# {N_('Every night in GitHub Actions: run this in a clone of your private repository')}",
        "auditor init --credential github-oidc",
    )
    if choices.credential == "azure-cli":
        return (
            f"# {N_('Your own report, as the person of the Azure CLI')}",
            f"az login --tenant {choices.tenant_id} --allow-no-subscriptions",
            *first,
            "auditor doctor",
            "auditor audit",
            "",
            *(on_github if choices.ci == "github" else (f"# {_EVERY_NIGHT}",)),
        )
    needed = _application_commands(choices, tenant, client, f"auditor init{place}")
    mail = (
        (
            "",
            f"# {N_('The sending mailbox (Exchange Online PowerShell): nothing but this one')}",
            f"# {N_('Give no Mail.Send in Entra: grants add up.')}",
            *mailbox_commands(tenant, client, choices.sender),
        )
        if choices.sender is not None
        else ()
    )
    audit = {
        "github-oidc": (f"# {N_('Then commit and push; the first run: Actions, Nightly audit, Run workflow')}",),
        "workload-identity": (f"# {N_('The federated credential of the cluster: see docs/sign-in.md')}",),
    }
    if choices.ci != "github":
        return (*needed, *mail, "", f"# {_EVERY_NIGHT}")
    own = (f"# {N_('Your own report')}", *first, "auditor doctor", "auditor audit")
    return (*needed, *mail, "", *audit.get(choices.credential, own))


def _application_commands(choices: Choices, tenant: Tenant, client: str | None, again: str) -> tuple[str, ...]:
    """Return the commands that create or prepare the application, for PowerShell and for the Azure CLI."""
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  brings Arrow; `--help` needs none

    if choices.credential == "managed-identity" and client is None:
        return (
            f"# {N_('Name the identity to get the commands that grant its permissions')}",
            f"{again} --client-id CLIENT_ID",
        )
    files = [(name, body) for name, body in _policies(choices).items() if not _is_test(name)]
    wanted = permissions_for(needs(load(files).policies))
    setup = ApplicationSetup(
        tenant=tenant,
        credential=choices.credential,
        client_id=client,
        wanted=wanted,
        repository=choices.repository,
        secret_variable=choices.secret_variable,
        again=again,
    )
    unnamed = choices.credential == "github-oidc" and choices.repository is None
    return (
        f"# {N_('The application and its permissions, only what the chosen policies need:')}",
        f"#    {', '.join(item.name for item in wanted)}",
        *((f"# {N_('Its federated credential needs --repository OWNER/NAME.')}",) if unnamed else ()),
        "",
        f"# {N_('In PowerShell, with the module Microsoft.Graph')}",
        *powershell_commands(setup),
        "",
        f"# {N_('or in bash, with the Azure CLI')}",
        *azure_cli_commands(setup),
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
    load(((str(path), body) for path, body in sorted({**old, **new}.items())), bases=installed_base)
