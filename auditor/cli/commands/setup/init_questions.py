"""Asks for the options of `auditor init` that are missing on the command line."""

import argparse
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from auditor.app.scaffold.choices import (
    ADDRESS,
    BRANCH,
    CLOUDS,
    CREDENTIALS,
    GUID,
    NAME,
    REPOSITORY,
    TENANT_NAME,
    signed_in_tenant,
)
from auditor.cli.arguments.options import choice_of, one_of
from auditor.cli.terminal.questions import ask
from auditor.domain.enums import Agreement, Cloud
from auditor.domain.message import Message
from auditor.domain.translation import N_

SIZES, ASSIGNMENTS, POLICIES = ("small", "large"), ("direct", "groups"), ("copy", "extend")


def _matching(pattern: re.Pattern[str], message: Callable[[str], Message]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise argparse.ArgumentTypeError(message(repr(text)))
        return text

    return read


def _optional(read: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: read(text) if text else ""


def _guid(where: Message) -> Callable[[str], str]:
    def error_message(text: str) -> Message:
        if text == repr(""):
            return Message("no id was given: {where}", where=where)
        guid = "11111111-2222-3333-4444-555555555555"
        return Message("{text} is not a GUID such as {guid}: {where}", text=text, guid=guid, where=where)

    return _matching(GUID, error_message)


tenant_id = _guid(Message("the overview in https://entra.microsoft.com shows it as Tenant ID"))
client_id = _guid(Message("the app registration in https://entra.microsoft.com shows it as Application (client) ID"))
tenant_name = _matching(
    TENANT_NAME, lambda text: Message("{text} is not a name of lower-case letters, digits and hyphens", text=text)
)
address = _matching(
    ADDRESS, lambda text: Message("{text} is not a mail address such as audit@contoso.example", text=text)
)
repository = _matching(
    REPOSITORY, lambda text: Message("{text} is not OWNER/NAME of a repository on GitHub", text=text)
)
branch = _matching(BRANCH, lambda text: Message("{text} is not the name of a branch", text=text))
commit = _matching(
    re.compile("[0-9a-f]{40}"),
    lambda text: Message("{text} is not the SHA of a commit, 40 hexadecimal digits", text=text),
)


def cloud(text: str) -> Cloud:
    """Return a cloud that tenants can be read in. Raises ArgumentTypeError."""
    return Cloud(choice_of(CLOUDS)(text))


def credential(text: str) -> str:
    """Return a type of credential that `init` sets up. Raises ArgumentTypeError, which says what to do for a token."""
    if text == "token":
        raise argparse.ArgumentTypeError(
            Message(
                "`auditor init` does not set up {text}, because a token cannot be renewed: choose one of {known}, "
                "or write `{example}` into tenants.yaml",
                text=repr(text),
                known=", ".join(CREDENTIALS),
                example="credential: {type: token, tokenEnv: NAME}",
            )
        )
    return choice_of(CREDENTIALS)(text)


class _Question(Struct, frozen=True):
    """A question about an option that is missing on the command line."""

    option: str
    text: str
    default: str
    read: Callable[[str], Any]
    choices: tuple[str, ...] = ()


def ask_for(args: argparse.Namespace, existing: Mapping[str, Any], locale: str) -> None:
    """Ask for each option of `auditor init` that is missing in `args`, and set it to the answer.

    `existing` has the fields of Choices that are known from the repository.
    """
    in_github = args.repository or (args.ci is None and "repository" in existing)
    tenant, name, default_cloud = signed_in_tenant(os.environ) or ("", NAME, Cloud.WORLDWIDE)
    first = (
        _Question(
            "tenant_id", N_("Directory (tenant) id, from the overview of the Entra admin center"), tenant, tenant_id
        ),
        _Question("cloud", N_("Microsoft cloud"), default_cloud, cloud, CLOUDS),
        _Question("name", N_("Short name of the tenant"), name, tenant_name),
        _Question(
            "credential",
            N_("Sign in with"),
            "github-oidc" if in_github else "azure-cli",
            credential,
            CREDENTIALS,
        ),
    )
    _ask_each(first, args, locale)
    _ask_each([*_sign_in_questions(args.credential, existing), *_QUESTIONS], args, locale)


def _sign_in_questions(credential_type: str, existing: Mapping[str, Any]) -> list[_Question]:
    """Return the questions that a credential type requires."""
    repository_question = _Question(
        "repository", N_("Your private repository on GitHub, OWNER/NAME"), existing.get("repository", ""), repository
    )
    client_question = _Question(
        "client_id", N_("Application (client) id (empty: the commands create one)"), "", _optional(client_id)
    )
    return [
        *([repository_question] if credential_type == "github-oidc" else []),
        *([client_question] if credential_type != "azure-cli" else []),
    ]


def _ask_each(questions: Sequence[_Question], args: argparse.Namespace, locale: str) -> None:
    for question in questions:
        if getattr(args, question.option) is None:
            answer = ask(question.text, question.default, question.read, choices=question.choices, locale=locale)
            setattr(args, question.option, answer or None)


_QUESTIONS = (
    _Question("agreement", N_("How licences are bought"), Agreement.UNKNOWN.value, one_of(Agreement), tuple(Agreement)),
    _Question(
        "size",
        N_("Starter policies: large adds those about add-ons, inactivity and mailboxes"),
        "small",
        choice_of(SIZES),
        SIZES,
    ),
    _Question("assignment", N_("How licences are assigned"), "direct", choice_of(ASSIGNMENTS), ASSIGNMENTS),
    _Question(
        "policies",
        N_("Starter policies: copy the files, or extend the library by its version"),
        "copy",
        choice_of(POLICIES),
        POLICIES,
    ),
    _Question("mail_from", N_("Mailbox that sends the report (empty: no mail)"), "", _optional(address)),
)
"""Questions for every credential type."""
