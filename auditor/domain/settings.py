"""The settings of tenants.yaml as values: tenants, credential types, recipients and mail; never a secret."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Agreement, Cloud, Severity
from auditor.domain.errors import Diagnostic, SettingsError, Span
from auditor.domain.message import Message

NO_CLIENT: Final = "00000000-0000-0000-0000-000000000000"
"""The client id in a tenants file for an application that does not exist yet."""
PLACEHOLDER: Final = "tenants-placeholder"
"""The slug of the warning about it."""


class GithubOidc(Struct, frozen=True, kw_only=True, rename="camel", tag="github-oidc"):
    """Sign-in with the identity of a GitHub Actions job, without any secret."""

    client_id: str


class ClientSecret(Struct, frozen=True, kw_only=True, rename="camel", tag="client-secret"):
    """Sign-in with a client secret from an environment variable."""

    client_id: str
    secret_env: str


class Certificate(Struct, frozen=True, kw_only=True, rename="camel", tag="certificate"):
    """Sign-in with a certificate and its private key (PEM or PKCS #12), from a file or an environment variable."""

    client_id: str
    path: str | None = None
    env: str | None = None
    """The environment variable that contains the certificate itself: PEM text, or base64 of PKCS #12."""
    password_env: str | None = None


class ManagedIdentity(Struct, frozen=True, kw_only=True, rename="camel", tag="managed-identity"):
    """Sign-in as the identity of the Azure machine; no client id means the system-assigned one."""

    client_id: str | None = None


class WorkloadIdentity(Struct, frozen=True, kw_only=True, rename="camel", tag="workload-identity"):
    """Sign-in with the token file of a Kubernetes workload, named by AZURE_FEDERATED_TOKEN_FILE."""

    client_id: str | None = None
    """None to use AZURE_CLIENT_ID."""


class AzureCli(Struct, frozen=True, kw_only=True, rename="camel", tag="azure-cli"):
    """Sign-in as the person or application that `az login` signed in."""


class DeviceCode(Struct, frozen=True, kw_only=True, rename="camel", tag="device-code"):
    """Sign-in of a person, who enters a code on Microsoft's page; the application must allow public client flows."""

    client_id: str


class Token(Struct, frozen=True, kw_only=True, rename="camel", tag="token"):
    """A bearer token from an environment variable, issued elsewhere; it may be opaque."""

    token_env: str


Credential = (
    GithubOidc | ClientSecret | Certificate | ManagedIdentity | WorkloadIdentity | AzureCli | DeviceCode | Token
)


class Digest(StrEnum):
    """Whether a recipient gets a weekly mail without changes."""

    WEEKLY = "weekly"
    NEVER = "never"


class Attach(StrEnum):
    """The attachment of a mail."""

    HTML = "html"
    CSV = "csv"
    XLSX = "xlsx"
    NONE = "none"


class Channel(StrEnum):
    """The channel of a recipient's address."""

    MAIL = "mail"
    TEAMS = "teams"
    SLACK = "slack"
    WEBHOOK = "webhook"
    """Any service that accepts signed JSON."""


def channel_of(address: str) -> tuple[Channel, str]:
    """Return the channel of a recipient's address, and the identifier of the recipient in it.

    `teams:NAME`, `slack:NAME` and `webhook:NAME` name the environment variable that holds the URL; anything else is a
    mail address.
    """
    prefix, colon, rest = address.partition(":")
    if colon and prefix in {Channel.TEAMS, Channel.SLACK, Channel.WEBHOOK}:
        return Channel(prefix), rest
    return Channel.MAIL, address


def same_recipient(address: str) -> str:
    """Return a key that is equal for addresses of one recipient: case matters in names of variables, not in mail."""
    return address.casefold() if channel_of(address)[0] is Channel.MAIL else address


class Recipient(Struct, frozen=True, kw_only=True):
    """A recipient of the report of a tenant."""

    address: str
    """A mail address, or a channel: see `channel_of`."""
    locale: str | None = None
    severities: tuple[Severity, ...] | None = None
    """The severities that this recipient gets; None for all."""
    owners: tuple[str, ...] | None = None
    """The owners of policies that this recipient gets; None for all."""
    tags: tuple[str, ...] | None = None
    """The tags that select policies for this recipient; None for all policies."""
    digest: Digest = Digest.WEEKLY
    attach: Attach = Attach.HTML
    span: Span | None = None
    """Where it is configured, without the text; None if it is not from a tenants file."""


class Tenant(Struct, frozen=True, kw_only=True, rename="camel"):
    """One Entra directory to audit."""

    name: str
    """Its name in policies, reports and file names."""
    tenant_id: str
    """A GUID, in lower case."""
    cloud: Cloud = Cloud.WORLDWIDE
    credential: Credential | None = None
    """None if only snapshots of it are audited."""
    agreement: Agreement = Agreement.UNKNOWN
    locale: str | None = None
    endpoint: str | None = None
    """Another Graph root, with its version and without a slash at the end."""
    authority: str | None = None
    """Another sign-in service, without a slash at the end."""
    recipients: tuple[Recipient, ...] = ()
    credential_at: str = "the tenants file"
    """Where the credential is configured, as `file:line`."""


class StartTls(StrEnum):
    """Whether an SMTP connection must be encrypted."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


class Send(StrEnum):
    """Which runs are mailed."""

    CHANGED = "changed"
    ALWAYS = "always"
    FAILURES = "failures"


class GraphMail(Struct, frozen=True, kw_only=True):
    """Mail is sent by Microsoft Graph."""

    tenant: str
    """The name of the tenant whose credential is used to send."""


class SmtpMail(Struct, frozen=True, kw_only=True, rename="camel"):
    """Mail is sent by an SMTP relay."""

    host: str
    port: int = 587
    starttls: StartTls = StartTls.REQUIRED
    username_env: str | None = None
    password_env: str | None = None
    ca: str | None = None
    """File with the certificate authorities for the relay; None for those of the system."""
    written_at: str = "the tenants file"
    """Where it is configured, as `file:line`."""


class Mail(Struct, frozen=True, kw_only=True):
    """The sender of reports, the transport, and when mails are sent."""

    sender: str
    route: GraphMail | SmtpMail
    send: Send = Send.CHANGED


class Webhooks(Struct, frozen=True, kw_only=True):
    """The hosts to which messages may be posted, and when; the URLs themselves are in environment variables."""

    hosts: tuple[str, ...] = ()
    """Hosts in addition to those of Teams and Slack; a leading `*.` matches every host below a domain."""
    send: Send | None = None
    """None to use the setting of mails."""


class Settings(Struct, frozen=True, kw_only=True):
    """The contents of a valid tenants file."""

    tenants: tuple[Tenant, ...]
    mail: Mail | None = None
    webhooks: Webhooks = Webhooks()
    warnings: tuple[Diagnostic, ...] = ()
    """Warnings about settings that are valid but probably wrong."""

    @property
    def missing_mail(self) -> SettingsError:
        """The error that there are no settings for mail, at the first recipient that gets mail, if there is one."""
        mailed = (
            recipient.span
            for tenant in self.tenants
            for recipient in tenant.recipients
            if channel_of(recipient.address)[0] is Channel.MAIL
        )
        return SettingsError(
            "mail-missing",
            Message("the tenants file has no settings for sending mail"),
            span=next(mailed, None),
            hint=Message("add `mail:` with `from` and one of `graph` and `smtp`: see docs/mail.md"),
        )

    def send(self, channel: Channel) -> Send:
        """Return which runs are sent to a channel."""
        mailed = Send.CHANGED if self.mail is None else self.mail.send
        return mailed if channel is Channel.MAIL or self.webhooks.send is None else self.webhooks.send
