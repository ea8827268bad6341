"""Selects the recipients of a result, and checks that the settings for sending to them are complete."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from auditor.app.recipients.envelopes import Envelope, channel_envelopes, envelopes
from auditor.deliver.mail import smtp_mail
from auditor.deliver.webhooks.webhook_address import webhook_target
from auditor.domain.errors import SettingsError
from auditor.domain.message import Message
from auditor.domain.result.model import Result
from auditor.domain.settings import Channel, Mail, Settings, SmtpMail, channel_of, same_recipient


def check_recipients(settings: Settings, environ: Mapping[str, str], only: Sequence[str]) -> None:
    """Check the settings for sending to the selected recipients.

    Raises SettingsError if settings or environment variables are missing.
    """
    if any(channel_of(address)[0] is Channel.MAIL and "://" in address for address in only):
        raise SettingsError(
            "mail-recipient",
            Message("a recipient cannot be a URL; the URL of a webhook is a secret and is not shown here"),
            hint=Message("put it into an environment variable, and write teams:NAME, slack:NAME or webhook:NAME"),
        )
    listed = {
        same_recipient(entry.address): entry.address for tenant in settings.tenants for entry in tenant.recipients
    }
    addresses = [address for address in listed.values() if _is_selected(address, only)]
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
    """Return the mail settings. Raises SettingsError if settings or environment variables are missing."""
    if settings.mail is None:
        raise settings.missing_mail
    if isinstance(settings.mail.route, SmtpMail):
        smtp_mail.open_relay(settings.mail.route, environ)
    return settings.mail


def select_envelopes(result: Result, settings: Settings, only: Sequence[str], *, fallback: str) -> Iterator[Envelope]:
    """Yield the envelopes of the selected recipients.

    Raises SettingsError for an address that is not a recipient; a channel needs no entry in the tenants file.
    """
    all_envelopes = envelopes(settings.tenants, {tenant.name for tenant in result.tenants}, fallback=fallback)
    listed = {same_recipient(envelope.address) for envelope in all_envelopes}
    channels = _channels(only)
    unknown = {same_recipient(address) for address in only} - listed - set(channels) - {Channel.MAIL.value}
    if unknown:
        raise SettingsError(
            "mail-recipient",
            Message("{unknown} is not a recipient of the tenants in this result", unknown=min(unknown)),
            hint=Message("add it to `recipients` in the tenants file"),
        )
    yield from (envelope for envelope in all_envelopes if _is_selected(envelope.address, only))
    yield from channel_envelopes((address for address in channels if address not in listed), result, fallback=fallback)


def _channels(only: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for address in only if channel_of(address)[0] is not Channel.MAIL))


def _is_selected(address: str, only: Sequence[str]) -> bool:
    selected = {same_recipient(recipient) for recipient in only}
    mail = Channel.MAIL.value in selected and channel_of(address)[0] is Channel.MAIL
    return not only or mail or same_recipient(address) in selected
