"""Loads a tenants file into Settings, and reports all its errors together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from auditor.domain.errors import Diagnostic, InputError, Level, SettingsError, Span
from auditor.domain.message import Message, unreadable
from auditor.domain.settings import (
    NO_CLIENT,
    PLACEHOLDER,
    Channel,
    GraphMail,
    Mail,
    Send,
    Settings,
    SmtpMail,
    Tenant,
    Webhooks,
    channel_of,
)
from auditor.domain.similar_name import tenants_hint
from auditor.domain.syntax.limits import TENANT, TENANT_WORDS
from auditor.files import input as files
from auditor.policy.schema.check import check
from auditor.policy.yaml.reader import Document, parse
from auditor.settings.addresses import address_error, canonical, foreign_hosts
from auditor.settings.locales import unknown_locales


def read(path: Path) -> Settings:
    """Read a tenants file. Raises SettingsError if it cannot be read, and InputError for errors in it."""
    try:
        text = files.read(path, max_bytes=files.POLICY)
    except FileNotFoundError as error:
        raise SettingsError(
            "tenants-missing",
            Message("{location} does not exist", location=path),
            hint=Message("write one with `auditor init`, or specify it with --tenants"),
        ) from error
    except OSError as error:
        hint = Message("specify a file with --tenants")
        raise SettingsError("tenants-unreadable", unreadable(path, error), hint=hint) from error
    return load(text, file=str(path))


def load(text: bytes | str, *, file: str) -> Settings:
    """Parse the text of a tenants file; `file` is its name in messages. Raises InputError with all errors."""
    try:
        document = _checked_document(text, file)
    except InputError as error:
        raise InputError(map(_without_quotes, error.diagnostics)) from None
    value: Any = document.value
    default = (value.get("defaults") or {}).get("locale")
    tenants = (_tenant(document, number, entry, default) for number, entry in enumerate(value["tenants"]))
    return Settings(
        tenants=tuple(tenants),
        mail=_mail(value.get("mail"), _file_and_line(document, ("mail",))),
        webhooks=msgspec.convert(value.get("webhooks") or {}, Webhooks),
        warnings=tuple(
            replace(warning, span=_without_text(warning.span))
            for warning in (
                *foreign_hosts(document, value["tenants"]),
                *_placeholder_clients(document, value["tenants"]),
                *unknown_locales(document),
            )
        ),
    )


def _file_and_line(document: Document, path: tuple[str | int, ...]) -> str:
    span = document.span(path)
    return f"{span.file}:{span.line}"


def _checked_document(text: bytes | str, file: str) -> Document:
    document = parse(text, file=file)
    value: Any = document.value
    problems = check(document, "tenants") or [
        *_tenant_problems(document, value["tenants"]),
        *_mail_problems(document, value),
        *_attachment_problems(document, value["tenants"]),
    ]
    if problems:
        raise InputError(problems)
    return document


def _without_quotes(problem: Diagnostic) -> Diagnostic:
    """Remove quotes of the file from a diagnostic: a secret that was entered by mistake must not appear in a log."""
    message, hint = problem.message, problem.hint
    if problem.slug.startswith("yaml-"):
        message, hint = _without_values(message), hint and _without_values(hint)
    elif message.arguments.get("noun") in _SECRET_NOUNS or "://" in str(message.arguments.get("value", "")):
        message = Message(message.id, **{**message.arguments, "value": "'…'"})
    return replace(problem, span=_without_text(problem.span), message=message, hint=hint)


def _without_values(message: Message) -> Message:
    """Replace the texts of the file in a message about its syntax, whose place in the file is not known."""
    values = {name: "…" if name in _QUOTING else value for name, value in message.arguments.items()}
    return Message(message.id, **values)


def _without_text(span: Span | None) -> Span | None:
    return None if span is None else replace(span, text="")


_SECRET_NOUNS: Final = ("the name of an environment variable", "a credential")
"""The nouns, in messages, of settings where people enter the secret itself by mistake."""
_QUOTING: Final = ("word", "tag", "text", "key", "value")
"""The arguments, in messages about the syntax of a file, that are texts of the file."""


def _placeholder_clients(document: Document, tenants: Sequence[Mapping[str, Any]]) -> tuple[Diagnostic, ...]:
    """Return a warning for each credential whose `clientId` is the placeholder of `auditor init`."""
    return tuple(
        Diagnostic(
            slug=PLACEHOLDER,
            message=Message("clientId is a placeholder: the tenant {tenant} cannot sign in", tenant=entry["name"]),
            span=document.span(("tenants", number, "credential", "clientId")),
            hint=Message("run the commands that `auditor init` prints, which create the application and write its id"),
            level=Level.WARNING,
        )
        for number, entry in enumerate(tenants)
        if (entry.get("credential") or {}).get("clientId") == NO_CLIENT
    )


def select_tenants(settings: Settings, names: Sequence[str]) -> tuple[Tenant, ...]:
    """Return the tenants with the given names, in the order of the file; all tenants without names."""
    if not names:
        return settings.tenants
    names_in_file = {tenant.name for tenant in settings.tenants}
    unknown = [name for name in names if name not in names_in_file]
    if unknown:
        raise SettingsError(
            "tenant-unknown",
            Message("the tenants file has no tenant '{unknown}'", unknown=unknown[0]),
            hint=tenants_hint(unknown[0], names_in_file),
        )
    return tuple(tenant for tenant in settings.tenants if tenant.name in set(names))


def _tenant_problems(document: Document, entries: Sequence[Mapping[str, Any]]) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    numbers: dict[str, int] = {}
    names: dict[str, str] = {}
    for number, entry in enumerate(entries):
        name, tenant_id = entry["name"], entry["tenantId"].lower()
        problems: list[tuple[str, str, Message, Message]] = []
        if TENANT.fullmatch(name) is None:
            message = Message(
                "'{name}' cannot be the name of a tenant, because files and folders are named after it", name=name[:80]
            )
            problems.append(("name", "tenants-name", message, TENANT_WORDS))
        if name in numbers:
            line = document.span(("tenants", numbers[name], "name")).line
            message = Message("'{name}' is also on line {line}", name=name, line=line)
            problems.append(("name", "tenants-duplicate", message, Message("give every tenant its own name")))
        if tenant_id in names:
            message = Message("this is the same tenant as '{ids}'", ids=names[tenant_id])
            hint = Message("list each tenant only once, or correct its tenantId")
            problems.append(("tenantId", "tenants-duplicate", message, hint))
        numbers.setdefault(name, number)
        names.setdefault(tenant_id, name)
        for key, hint in _ADDRESS_HINTS.items():
            reason = address_error(entry[key], plain_on_loopback=key == "endpoint") if key in entry else None
            if reason is not None:
                message = Message("this {key} cannot be used: {wrong}", key=key, wrong=reason)
                problems.append((key, "tenants-address", message, hint))
        diagnostics += [
            _problem(document, ("tenants", number, key), slug, message, hint) for key, slug, message, hint in problems
        ]
    return diagnostics


_ADDRESS_HINTS = {
    "endpoint": Message("write it as https://host/v1.0, or as http://127.0.0.1:port/v1.0 for an emulator"),
    "authority": Message("write it as https://host"),
}


def _mail_problems(document: Document, value: Mapping[str, Any]) -> list[Diagnostic]:
    sender = ((value.get("mail") or {}).get("graph") or {}).get("tenant")
    names = {entry["name"] for entry in value["tenants"]}
    if sender is None or sender in names:
        return []
    return [
        _problem(
            document,
            ("mail", "graph", "tenant"),
            "tenants-mail",
            Message("there is no tenant '{sender}'", sender=sender),
            Message("it is one of: {names}", names=", ".join(sorted(names))),
        )
    ]


def _attachment_problems(document: Document, tenants: Sequence[Mapping[str, Any]]) -> list[Diagnostic]:
    return [
        _problem(
            document,
            ("tenants", number, "recipients", index, "attach"),
            "tenants-attach",
            Message("{address} does not accept attachments", address=entry["address"]),
            Message("leave `attach` out; messages to channels have a link (--link)"),
        )
        for number, tenant in enumerate(tenants)
        for index, entry in enumerate(tenant.get("recipients") or ())
        if "attach" in entry and channel_of(entry["address"])[0] is not Channel.MAIL
    ]


def _problem(document: Document, path: tuple[str | int, ...], slug: str, message: Message, hint: Message) -> Diagnostic:
    return Diagnostic(slug=slug, message=message, span=document.span(path), hint=hint)


def _tenant(document: Document, number: int, entry: Mapping[str, Any], locale: str | None) -> Tenant:
    path = ("tenants", number)
    changed = {key: canonical(entry[key]) for key in _ADDRESS_HINTS if key in entry}
    changed |= {"tenantId": entry["tenantId"].lower(), "credentialAt": _file_and_line(document, (*path, "credential"))}
    tenant = msgspec.convert({"locale": locale, **entry, **changed}, Tenant)
    recipients = (
        replace(recipient, span=_without_text(document.span((*path, "recipients", index))))
        for index, recipient in enumerate(tenant.recipients)
    )
    return replace(tenant, recipients=tuple(recipients))


def _mail(entry: Mapping[str, Any] | None, written_at: str) -> Mail | None:
    if entry is None:
        return None
    smtp = entry.get("smtp")
    return Mail(
        sender=entry["from"],
        route=GraphMail(tenant=entry["graph"]["tenant"])
        if smtp is None
        else msgspec.convert({**smtp, "writtenAt": written_at}, SmtpMail, strict=False),  # 587.0 is a whole number
        send=Send(entry.get("send", Send.CHANGED)),
    )
