"""Reads the URL and the signing secrets of a webhook from the environment, and checks that the host is allowed."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult, urlsplit

from auditor.deliver.https_connection import is_private
from auditor.domain.errors import SettingsError
from auditor.domain.message import Message
from auditor.domain.settings import Channel, channel_of
from auditor.domain.syntax.environment_variable import is_missing, to_set

HOSTS: Final[Mapping[Channel, tuple[str, ...]]] = MappingProxyType(
    {
        # Power Automate: the older addresses of workflows, and those since 2025; Azure Government and China.
        Channel.TEAMS: ("*.logic.azure.com", "*.powerplatform.com", "*.logic.azure.us", "*.logic.azure.cn"),
        Channel.SLACK: ("hooks.slack.com", "hooks.slack-gov.com"),
        Channel.WEBHOOK: (),
    }
)
"""The hosts of each channel that are allowed without configuration."""
HOSTS_VARIABLE: Final = "AUDITOR_WEBHOOK_HOSTS"
"""The environment variable with additional hosts, separated by commas."""
_SECRET_SUFFIX: Final = "_SECRET"  # noqa: S105 - the name of a variable
"""The signing secret of `webhook:NAME` is in the variable NAME_SECRET."""
_PRINTABLE: Final = re.compile(r"[!-\[\]-~]+")
_PREFIX: Final = "whsec_"
MIN_SECRET, MAX_SECRET = 24, 64
"""Length of a secret in bytes, as in the Standard Webhooks specification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTarget:
    """The target of messages; its URL is a secret, which no message, log or `repr` shows."""

    channel: Channel
    address: str
    """The name of the target in messages, such as `teams:NAME`."""
    variable: str
    url: SplitResult = field(repr=False)
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    """The signing keys: the current one and, during a rotation, the next or previous one; none if nothing is signed."""

    @property
    def path(self) -> str:
        """Path and query, as in the request line."""
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")

    @property
    def missing_secret(self) -> str:
        """The unset variable whose secret would sign messages; empty if they are signed or the channel signs none."""
        return "" if self.secrets or self.channel is not Channel.WEBHOOK else self.variable + _SECRET_SUFFIX


def webhook_target(address: str, environ: Mapping[str, str], hosts: Iterable[str] = ()) -> WebhookTarget:
    """Return the target of `teams:NAME`, `slack:NAME` or `webhook:NAME`, with URL and secrets from the environment.

    `hosts` are allowed in addition to those of HOSTS and AUDITOR_WEBHOOK_HOSTS. Raises SettingsError for a missing
    variable, an unusable URL, a host that is not allowed, and an empty or too short secret; the error does not quote
    URLs and secrets.
    """
    channel, name = channel_of(address)
    text = environ.get(name, "").strip()
    if not text:
        hint = Message("put the address of the webhook into {variable}; it is a secret", variable=to_set(name))
        if to_set(name) != name:  # the name may be the secret address itself
            variable = f"{channel.value.upper()}_URL"
            hint = Message(
                "put the address of the webhook into a variable such as {variable}, and write {channel}:{variable}",
                channel=channel.value,
                variable=variable,
            )
        raise SettingsError("webhook-variable", is_missing(name, f"{channel.value}:…"), hint=hint)
    url = _parsed(text, name)
    extra_hosts = (part.strip() for part in environ.get(HOSTS_VARIABLE, "").split(","))
    if not _allowed(url.hostname or "", (*HOSTS[channel], *hosts, *filter(None, extra_hosts))):
        raise SettingsError(
            "webhook-host",
            Message(
                "the address in {variable} has a host that is not allowed for {channel}", variable=name, channel=channel
            ),
            hint=Message(
                "if it is the right one, add its host to `webhooks.hosts` in the tenants file, or to {variable}",
                variable=HOSTS_VARIABLE,
            ),
        )
    secrets = _secrets(name + _SECRET_SUFFIX, environ) if channel is Channel.WEBHOOK else ()
    return WebhookTarget(channel=channel, address=address, variable=name, url=url, secrets=secrets)


def _parsed(text: str, variable: str) -> SplitResult:
    reason: Message | None = None
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise _unusable(variable, Message("it is not an address")) from None
    if not _PRINTABLE.fullmatch(text):
        reason = Message("it has characters that are not allowed in an address")
    elif not is_private(url):
        reason = Message("it must be https")
    elif "@" in url.netloc:
        reason = Message("it has user information")
    elif not host or port == 0:
        reason = Message("it has no host")
    elif url.fragment:
        reason = Message("it has a fragment")
    if reason is not None:
        raise _unusable(variable, reason)
    return url


def _unusable(variable: str, reason: Message) -> SettingsError:
    return SettingsError(
        "webhook-address",
        Message("the address in {variable} cannot be used: {wrong}", variable=variable, wrong=reason),
        hint=Message("copy the whole address that Teams, Slack or the service showed when the webhook was made"),
    )


def _allowed(host: str, patterns: Iterable[str]) -> bool:
    name = host.casefold().rstrip(".")
    return any(
        name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
        for pattern in (each.casefold() for each in patterns)
    )


def _secrets(variable: str, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the signing keys; none if the variable is not set. An empty one is an error: its value got lost."""
    if variable not in environ:
        return ()
    encoded_secrets = environ[variable].split()
    hint = Message("`echo whsec_$(openssl rand -base64 32)` generates one; configure it in the receiver, too")
    if not encoded_secrets:
        message = Message("{variable} is empty; unset it to send messages without a signature", variable=variable)
        raise SettingsError("webhook-secret", message, hint=hint)
    try:
        keys = tuple(base64.b64decode(encoded.removeprefix(_PREFIX), validate=True) for encoded in encoded_secrets)
    except (binascii.Error, ValueError):
        keys = ()
    if not keys or not all(MIN_SECRET <= len(key) <= MAX_SECRET for key in keys):
        raise SettingsError(
            "webhook-secret",
            Message(
                "{variable} is not a signing secret: write whsec_ and {shortest} to {longest} bytes in base64",
                variable=variable,
                shortest=MIN_SECRET,
                longest=MAX_SECRET,
            ),
            hint=hint,
        )
    return keys
