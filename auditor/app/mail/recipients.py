"""Chooses the recipients of a result, and checks that everything needed to reach them is configured."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec

from auditor.deliver.mail import smtp_mail
from auditor.deliver.mail.routing import Envelope, channel_envelopes, envelopes
from auditor.deliver.webhooks.webhook_address import webhook_target
from auditor.domain.errors import SettingsError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.tenant import Channel, Mail, Settings, SmtpMail, channel_of, same_recipient


def check_recipients(settings: Settings, environ: Mapping[str, str], only: Sequence[str] = ()) -> None:
    """Check how the chosen recipients are reached. Raises SettingsError if settings or variables are missing."""
    if any(channel_of(each)[0] is Channel.MAIL and "://" in each for each in only):
        raise SettingsError(
            "mail-recipient",
            Message("a recipient cannot be a URL; the URL of a webhook is a secret and is not shown here"),
            hint=Message("put it into an environment variable, and write teams:NAME, slack:NAME or webhook:NAME"),
        )
    listed = {same_recipient(entry.address): entry.address for each in settings.tenants for entry in each.recipients}
    addresses = [address for address in listed.values() if _wanted(address, only)]
    addresses += [address for address in _channels(only) if address not in listed]
    if not addresses and not only:
        raise SettingsError(
            "mail-nobody",
            Message("no tenant in the tenants file has recipients"),
            hint=Message("add `recipients: [{address: …}]` to a tenant"),
        )
    for address in addresses:
        if channel_of(address)[0] is not Channel.MAIL:
            webhook_target(address, environ, settings.webhooks.hosts)
    if any(channel_of(address)[0] is Channel.MAIL for address in addresses) or not addresses:
        check_mail(settings, environ)


def check_mail(settings: Settings, environ: Mapping[str, str]) -> Mail:
    """Return how mail is sent. Raises SettingsError if settings or variables are missing."""
    if settings.mail is None:
        raise SettingsError(
            "mail-missing",
            Message("the tenants file does not say how mail is sent"),
            hint=Message("add `mail:` with `from` and one of `graph` and `smtp`: see docs/mail.md"),
        )
    needed = ["css_inline"]
    if isinstance(settings.mail.route, SmtpMail):
        smtp_mail.open_relay(settings.mail.route, environ)
    else:
        needed += ["msgraph", "azure", "aiohttp"]
    for module in needed:
        # Found, not imported: modules that the audit needs later must exist now.
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named '{module}'", name=module)
    return settings.mail


def chosen(result: Result, settings: Settings, only: Sequence[str], *, fallback: str) -> Iterator[Envelope]:
    """Yield the envelopes of the chosen recipients.

    Raises SettingsError for an address that is no recipient; a channel needs no entry in the tenants file.
    """
    all_envelopes = envelopes(settings.tenants, {tenant.name for tenant in result.tenants}, fallback=fallback)
    listed = {same_recipient(envelope.address) for envelope in all_envelopes}
    channels = _channels(only)
    unknown = {same_recipient(each) for each in only} - listed - set(channels) - {Channel.MAIL.value}
    if unknown:
        raise SettingsError(
            "mail-recipient",
            Message("{unknown} is not a recipient of the tenants in this result", unknown=min(unknown)),
            hint=Message("add it to `recipients` in the tenants file"),
        )
    yield from (envelope for envelope in all_envelopes if _wanted(envelope.address, only))
    yield from channel_envelopes((each for each in channels if each not in listed), result, fallback=fallback)


def _channels(only: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in only if channel_of(each)[0] is not Channel.MAIL))


def _wanted(address: str, only: Sequence[str]) -> bool:
    wished = {same_recipient(each) for each in only}
    mail = Channel.MAIL.value in wished and channel_of(address)[0] is Channel.MAIL
    return not only or mail or same_recipient(address) in wished
