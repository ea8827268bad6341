"""Finds the users of a result and of its policies in texts, and replaces them with pseudonyms."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Subject
from auditor.domain.result.model import Result, Run
from auditor.findings.person_names import User, users_in
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.text_matches import (
    NamesByWords,
    names_by_words,
    token_key,
    tokens_of,
    with_names,
    with_tokens,
    words_of,
)

PERSONAL: Final = frozenset({"userPrincipalName", "displayName", "mail", "id", "userId"})
"""Keys of evidence and selectors that identify a user."""
_INSTANT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})")
_GUID: Final = re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b")
_IDS: Final = re.compile(rf"{_GUID.pattern}(?:, {_GUID.pattern})*")
_ADDRESS: Final = re.compile(r"[^@]+@[^@]+")


class UserPseudonyms(Struct, frozen=True, kw_only=True):
    """The pseudonyms of users, by id and by the names and addresses in texts, in lower case."""

    key: RedactionKey
    ids: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    """Pseudonyms by id and address only, without names."""
    single: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """(name, pseudonym) by name of one word; written with other letters, it may be an ordinary word of a sentence."""
    names: NamesByWords = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    """The pseudonyms of users in selectors of policies."""
    free_texts: dict[str, str] = field(default_factory=dict)
    """Cache of free texts and their replacements."""
    program_texts: dict[str, str] = field(default_factory=dict)
    """Cache of guidance texts and their replacements; many actions share them."""
    evidence: dict[str, str] = field(default_factory=dict)
    """Cache of evidence texts and their replacements."""

    def subject(self, subject: Subject) -> Subject:
        """Replace a user by the pseudonym, and users in the name of a group; other subjects are unchanged."""
        if subject.type is SubjectType.USER:
            name = self.ids[subject.id]
            return Subject(type=SubjectType.USER, id=name, name=name)
        return replace(subject, name=self.program_text(subject.name)) if subject.type is SubjectType.GROUP else subject

    def fingerprints(self, fingerprints: Iterable[str]) -> tuple[str, ...]:
        """Replace fingerprints and sort them again, so that their order does not reveal the original ones."""
        return tuple(sorted(map(self.key.fingerprint, fingerprints)))

    def text(self, text: str) -> str:
        """Replace every known id, address and one-word name in a text that this program wrote."""
        folded = text.casefold()
        return self.texts.get(folded) or self.named.get(folded) or self._with_tokens(text, self.single)

    def ids_in(self, text: str) -> str:
        """Replace every known id and address in a text, but not names, because a product may have the same name."""
        return self._with_tokens(text, {})

    def free_text(self, text: str) -> str:
        """Replace all addresses, and known ids and names of several words, in a text that a person wrote."""
        cached = self.free_texts.get(text)
        if cached is None:
            cached = self.free_texts[text] = self._without_people(self.ids_in(text))
        return cached

    def quoted_text(self, text: str) -> str:
        """Replace users, and every GUID among other words, in a reason, which may quote an error of Graph.

        Graph names objects by their ids, also those of users without findings.
        """
        text = self.free_text(text)
        return text if _IDS.fullmatch(text) else _GUID.sub(lambda found: self.key.person("", found[0].lower()), text)

    def program_text(self, text: str) -> str:
        """Replace all addresses, and known ids and names, in the name of a group or a text that may contain one.

        A name has to be replaced in all of them: a text in which it remained would show to whom a pseudonym belongs.
        """
        cached = self.program_texts.get(text)
        if cached is None:
            cached = self.program_texts[text] = self._without_people(self.text(text))
        return cached

    def title_arguments(self, arguments: TitleArguments | None) -> TitleArguments | None:
        """Replace users in the names of products, groups and tenants in the title of an action."""
        if arguments is None:
            return None
        also, new, extra = (
            tuple(map(self.program_text, names)) for names in (arguments.also, arguments.new, arguments.extra)
        )
        old, distinction = self.program_text(arguments.old), self.program_text(arguments.distinction)
        return replace(arguments, old=old, also=also, new=new, extra=extra, distinction=distinction)

    def evidence_text(self, text: str) -> str:
        """Replace users in a text of evidence; instants are replaced by midnight of their day."""
        cached = self.evidence.get(text)
        if cached is None:
            cached = self.evidence[text] = self.free_text(midnight_of(text))
        return cached

    def _with_tokens(self, text: str, single: Mapping[str, tuple[str, str]]) -> str:
        """Replace ids and addresses in a text, and the names in `single`."""
        tokens = tokens_of(text)
        if all(known.keys().isdisjoint(tokens) for known in (self.exact, self.named, single)):
            return text  # fast path: most texts contain no user
        return with_tokens(text, lambda token: self._token(token, single))

    def _token(self, token: str, single: Mapping[str, tuple[str, str]]) -> str | None:
        key = token_key(token)
        found = self.exact.get(key) or (None if key.isalpha() else self.named.get(key))
        if found is not None:
            return found
        name, pseudonym = single.get(key, ("", ""))
        return pseudonym if name == token else None

    def _without_people(self, text: str) -> str:
        """Replace all addresses in a text, also of people who are not known, and names of several words."""
        if "@" in text or "%" in text:
            text = with_tokens(text, self._address)
        return with_names(text, self.names)

    def _address(self, token: str) -> str | None:
        key = token_key(token)
        return self.key.person("", key) if _ADDRESS.fullmatch(key) else None


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a JSON value in which `change` was applied to every text, but not to keys."""
    match value:
        case str():
            return change(value)
        case Mapping():
            return {key: with_texts(item, change) for key, item in value.items()}
        case list() | tuple():
            return [with_texts(item, change) for item in value]
        case _:
            return value


def midnight_of(text: str) -> str:
    """Return midnight of the day of an instant; the exact time of a sign-in or creation would identify a user."""
    instant = _INSTANT.fullmatch(text)
    return text if instant is None else f"{instant[1]}T00:00:00Z"


def people_of(tenant_id: str, users: Iterable[User], key: RedactionKey, named: Mapping[str, str]) -> UserPseudonyms:
    """Return the pseudonyms of the users of a tenant, with those in `named` from policies."""
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for user_id, name, address in users:
        pseudonym = ids[user_id] = ids.get(user_id) or key.person(tenant_id, user_id)
        names[name] = pseudonym
        addresses[(address or "").casefold()] = pseudonym
    # An id takes precedence, because the name of one user may equal the id of another.
    exact = {**addresses, **{user_id.casefold(): pseudonym for user_id, pseudonym in ids.items()}}
    texts = {**{name.casefold(): pseudonym for name, pseudonym in names.items()}, **exact}
    for lookup in (exact, texts):
        lookup.pop("", None)
    return UserPseudonyms(
        key=key,
        ids=ids,
        texts=texts,
        exact=exact,
        single={name.casefold(): (name, alias) for name, alias in names.items() if len(name.split()) == 1},
        names=names_by_words({**_names_in(named), **names}),
        named=named,
    )


def _names_in(named: Mapping[str, str]) -> dict[str, str]:
    """Return the values of selectors that are not patterns: those of several words are names."""
    return {value: pseudonym for value, pseudonym in named.items() if not {"*", "?", "@"} & set(value)}


def people_in_policies(result: Result, key: RedactionKey, named: Mapping[str, str]) -> UserPseudonyms:
    """Return the users with findings, in all tenants, who are mentioned in the texts of policies."""
    run = result.run
    texts = "\n".join(_texts_in([*([h.title, h.rationale, h.spec] for h in run.policies), run.definitions], below=None))
    tokens, words = frozenset(tokens_of(texts)), words_of(texts)
    exact: dict[str, str] = {}
    names: dict[str, str] = {}
    for tenant in result.tenants:
        mentioned = [
            (user_id, name, address)
            for user_id, name, address in users_in(tenant.findings, tenant.fixed, tenant.unconfirmed)
            if words_of(name) <= words or not tokens.isdisjoint((user_id.casefold(), (address or "").casefold()))
        ]
        people = people_of(tenant.tenant_id, mentioned, key, {})
        exact.update(people.exact)
        names.update((name, people.ids[user_id]) for user_id, name, _ in mentioned)
    by_words = names_by_words({**_names_in(named), **names})
    return UserPseudonyms(key=key, exact=exact, names=by_words, named=named)


def named_in(run: Run, key: RedactionKey) -> dict[str, str]:
    """Return the pseudonyms of all users in selectors of policies, populations and waivers."""
    selectors = [
        *(header.spec.get("users") for header in run.policies),
        *(run.definitions.get("populations") or {}).values(),
        *(waiver.get("users") for waiver in run.definitions.get("waivers") or ()),
    ]
    values = {text.casefold() for selector in selectors for text in _texts_in(selector, below=PERSONAL)}
    return {value: key.person("", value) for value in values if value}


def _texts_in(value: Any, *, below: AbstractSet[str] | None) -> Iterator[str]:
    """Yield the texts in a JSON value: those below some keys, or all of them for None."""
    match value:
        case str():
            if below is None:
                yield value
        case Mapping():
            for name, item in value.items():
                yield from _texts_in(item, below=None if below is None or name in below else below)
        case list() | tuple():
            for item in value:
                yield from _texts_in(item, below=below)
        case _:
            return
