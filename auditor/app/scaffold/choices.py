"""The options of `auditor init`, and their values in an existing repository."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from auditor import __commit__, __home__, __version__
from auditor.app.scaffold.starter_policies import existing_starter
from auditor.app.tenant_setup.federation import MAIN
from auditor.catalogue.model import GUID as LOWER_CASE_GUID
from auditor.domain.enums import Agreement, Cloud
from auditor.domain.errors import AuditorError
from auditor.domain.settings import NO_CLIENT
from auditor.files import input as files
from auditor.files.user_folder import home_folder
from auditor.policy.yaml.reader import parse

NAME: Final = "contoso"
NO_TENANT: Final = "11111111-2222-3333-4444-555555555555"
CREDENTIALS: Final = (
    *("azure-cli", "device-code", "github-oidc", "workload-identity", "managed-identity", "certificate"),
    "client-secret",
)
"""Types of credentials that `init` writes."""
CI: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "github": (".github/workflows/nightly-audit.yml", "github-oidc"),
        "azure-devops": ("azure-pipelines.yml", "azure-cli"),
        "gitlab": (".gitlab-ci.yml", "workload-identity"),
        "container-job": ("compose.yaml", "managed-identity"),
    }
)
"""CI system → the file of the nightly audit in the repository, and the type of credential that it signs in with."""
CLOUDS: Final = (Cloud.WORLDWIDE, Cloud.USGOV, Cloud.USGOV_DOD, Cloud.CHINA)
"""The clouds that tenants can be read in."""
_AZ_CLOUDS: Final = {"AzureUSGovernment": Cloud.USGOV, "AzureChinaCloud": Cloud.CHINA}
"""Clouds of the Azure CLI, which does not distinguish the two US Government clouds."""
CERTIFICATE: Final = "auditor.pem"
"""The file of the key and the certificate, beside the tenants file."""
GUID: Final = re.compile(LOWER_CASE_GUID.pattern, re.IGNORECASE)
REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
BRANCH: Final = re.compile(r"[A-Za-z0-9_][\w./-]{0,99}", re.ASCII)
"""Allowed branch names in commands and files: other characters could be interpreted as code."""
TENANT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
ADDRESS: Final = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_USES: Final = re.compile(r"(?m)^ *- id: audit\n *uses: (?P<action>\w[\w-]*/[\w.-]+)@(?:(?P<pin>[0-9a-f]{40})|v\S+) # ")
_TRIGGER: Final = re.compile(r"(?m)^ +include: \[(?P<branch>[\w./-]+)\]$", re.ASCII)
_PACKED_REF: Final = re.compile(r"(?m)^[0-9a-f]+ refs/heads/(\S+)$")
_REMOTE: Final = re.compile(
    r'\[remote "origin"\][^\[]*?\burl\s*=\s*(?:\w+://)?(?:[^@\s/]*@)?'
    r"(?P<host>[a-z0-9.-]+)(?::[0-9]+/|[:/])(?P<path>[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+?)+?)(?:\.git)?/?\s"
)


class Choices(Struct, frozen=True, kw_only=True):
    """The options of `auditor init`."""

    large: bool
    groups: bool
    """Whether licences are assigned by groups."""
    agreement: Agreement
    name: str = NAME
    tenant_id: str = NO_TENANT
    client_id: str = NO_CLIENT
    cloud: Cloud = Cloud.WORLDWIDE
    credential: str = "azure-cli"
    """One of CREDENTIALS."""
    extend: bool = False
    """Whether the policies extend the starter library; otherwise they are copies of its files."""
    ci: str | None = None
    """One of CI; None if there is no nightly audit."""
    repository: str | None = None
    """The team's repository on GitHub, whose jobs sign in to the tenant."""
    project: tuple[str, str] | None = None
    """Host and path of the team's repository elsewhere, such as on GitLab."""
    branch: str = MAIN
    """The branch that runs the nightly audit; in a clone, the repository's default branch."""
    sender: str | None = None
    """The mailbox that sends mail; None for no mail."""
    action: str = __home__
    """The repository of the action."""
    pin: str = __commit__
    """The commit of the action in workflows; empty for its tag, which could be moved."""

    @property
    def secret_variable(self) -> str:
        """The environment variable that contains the client secret, such as CONTOSO_SECRET."""
        return f"{self.name.upper().replace('-', '_')}_SECRET"

    @property
    def credential_yaml(self) -> str:
        """The value of `credential` in tenants.yaml."""
        client = "" if self.credential == "azure-cli" else f", clientId: {self.client_id}"
        if self.credential == "managed-identity" and self.client_id == NO_CLIENT:
            client = ""  # the system-assigned identity
        more = {"certificate": f", path: {CERTIFICATE}", "client-secret": f", secretEnv: {self.secret_variable}"}
        return f"{{type: {self.credential}{client}{more.get(self.credential, '')}}}"

    @property
    def source(self) -> str:
        """The address from which pip installs the program."""
        return f"git+https://github.com/{self.action}@{self.ref}"

    @property
    def ref(self) -> str:
        """The commit of the program, or its tag."""
        return self.pin or f"v{__version__}"

    @property
    def uses(self) -> str:
        """The `uses:` value of the action."""
        if self.pin:
            return f"{self.action}@{self.pin} # v{__version__}"
        return f"{self.action}@v{__version__} # a tag can be moved: put the full commit of the release here"


def existing_choices(folder: Path) -> dict[str, Any]:
    """Return the fields of Choices that can be read from the files of a repository; unreadable files are skipped."""
    choices: dict[str, Any] = {}
    tenants = _text(folder / "tenants.yaml")
    if tenants is not None:
        choices |= _settings(tenants)
    choices |= existing_starter(folder / "policies")
    for name, (file, _) in CI.items():
        if files.is_file(folder / file):
            choices["ci"] = name
    uses = _USES.search(_text(folder / ".github" / "workflows" / "nightly-audit.yml") or "")
    if uses is not None:
        choices |= {"action": uses["action"], "pin": uses["pin"] or ""}
    trigger = _TRIGGER.search(_text(folder / "azure-pipelines.yml") or "")
    branch = default_branch(folder) if trigger is None else trigger["branch"]
    choices |= {} if branch == MAIN else {"branch": branch}
    return choices | _remote(folder)


def github_repository(folder: Path) -> str | None:
    """Return OWNER/NAME of a folder's remote `origin`; None if it is not on GitHub."""
    repository: str | None = _remote(folder).get("repository")
    return repository


def default_branch(folder: Path) -> str:
    """Return the default branch of the remote `origin`, or the only branch of a new repository, or else `main`."""
    git = folder / ".git"
    remote = (_text(git / "refs" / "remotes" / "origin" / "HEAD") or "").removeprefix("ref: refs/remotes/origin/")
    current = (_text(git / "HEAD") or "").removeprefix("ref: refs/heads/").strip()
    heads = {
        path.relative_to(git / "refs" / "heads").as_posix()
        for path in (git / "refs" / "heads").rglob("*")
        if path.is_file()
    }
    heads |= set(_PACKED_REF.findall(_text(git / "packed-refs") or ""))
    name = remote.strip() or (current if heads <= {current} else "")
    return name if BRANCH.fullmatch(name) else MAIN


def _remote(folder: Path) -> dict[str, Any]:
    remote = _REMOTE.search(_text(folder / ".git" / "config") or "")
    if remote is not None and remote["host"] != "github.com":
        return {"project": (remote["host"], remote["path"])}
    if remote is not None and REPOSITORY.fullmatch(remote["path"]):
        return {"repository": remote["path"]}
    return {}


def _settings(text: str) -> dict[str, Any]:
    """Return the fields of the first tenant in a tenants file; invalid values are skipped.

    A field that the file omits has the value for which `init` omits it.
    """
    try:
        value: Any = parse(text, file="tenants.yaml").value
        tenant = value["tenants"][0]
    except (AuditorError, KeyError, IndexError, TypeError):
        return {}
    if not isinstance(tenant, Mapping):
        return {}
    credential = tenant.get("credential")
    credential = credential if isinstance(credential, Mapping) else {}
    mail = value.get("mail")
    fields = {
        "name": _matching(TENANT_NAME, tenant.get("name")),
        "tenant_id": _matching(GUID, tenant.get("tenantId")),
        "client_id": _matching(GUID, credential.get("clientId")),
        "credential": credential.get("type") if credential.get("type") in CREDENTIALS else None,
        "cloud": next((item for item in CLOUDS if item.value == tenant.get("cloud")), None),
        "agreement": next((item for item in Agreement if item.value == tenant.get("agreement")), None),
        "sender": _matching(ADDRESS, mail.get("from")) if isinstance(mail, Mapping) else None,
    }
    absent = {"client_id": NO_CLIENT, "cloud": Cloud.WORLDWIDE, "sender": None, "ci": None}
    return absent | {name: value for name, value in fields.items() if value is not None}


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _text(path: Path) -> str | None:
    """Return the text of a file; None if it does not exist or cannot be read."""
    try:
        return files.read(path, max_bytes=files.POLICY).decode("utf-8") if files.is_file(path) else None
    except (OSError, UnicodeDecodeError):
        return None


def signed_in_tenant(environ: Mapping[str, str]) -> tuple[str, str, Cloud] | None:
    """Return the tenant of `az login`: its id, a name from its domain, and its cloud; None if nobody is signed in."""
    configured, home = environ.get("AZURE_CONFIG_DIR"), home_folder(environ)
    folder = Path(configured) if configured else home and home / ".azure"
    text = None if folder is None else _text(folder / "azureProfile.json")
    try:
        subscriptions = json.loads((text or "{}").removeprefix("\ufeff")).get("subscriptions") or []
        subscription = min(subscriptions, key=lambda item: not item.get("isDefault"))
    except (ValueError, AttributeError, IndexError, TypeError):
        return None
    tenant = _matching(GUID, subscription.get("tenantId"))
    if tenant is None:
        return None
    name = str(subscription.get("tenantDefaultDomain") or "").partition(".")[0].lower()
    cloud = _AZ_CLOUDS.get(str(subscription.get("environmentName")), Cloud.WORLDWIDE)
    return tenant.lower(), name if TENANT_NAME.fullmatch(name) else NAME, cloud
