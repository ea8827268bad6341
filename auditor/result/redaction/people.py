"""Finds the users of a result and of its policies in texts, and replaces them with pseudonyms."""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, chain
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding, Subject
from auditor.domain.result.model import Result, Run
from auditor.result.redaction.pseudonyms import RedactionKey

PERSONAL: Final = frozenset({"userPrincipalName", "displayName", "mail", "id", "userId"})
"""Keys of evidence and selectors that identify a user."""
_TOKEN: Final = re.compile(r"""[^\s/'"(),;=<>\[\]{}]*[^\s/'"(),;=<>\[\]{}.:!?]""")
"""Tokens that can be an id or an address: neither contains one of these characters or ends with a full stop."""
_WORD: Final = re.compile(r"\w+")
_INSTANT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})")
_ADDRESS: Final = re.compile(r"[^@]+@[^@]+")


PseudonymsByWords = Mapping[str, Mapping[int, Mapping[tuple[str, ...], Mapping[str, str]]]]
"""Names of several words and their pseudonyms, by first word, number of words and words, all as `_folded` returns them.

The lookup takes one step per word of a text, regardless of how many users share a first name.
"""


class UserPseudonyms(Struct, frozen=True, kw_only=True):
    """The pseudonyms of users, by id and by the names and addresses in texts, in lower case."""

    key: RedactionKey
    ids: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    """Pseudonyms by id and address only, without names."""
    names: PseudonymsByWords = field(default_factory=dict)
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
        return replace(subject, name=self.free_text(subject.name)) if subject.type is SubjectType.GROUP else subject

    def fingerprints(self, fingerprints: Iterable[str]) -> tuple[str, ...]:
        """Replace fingerprints and sort them again, so that their order does not reveal the original ones."""
        return tuple(sorted(map(self.key.fingerprint, fingerprints)))

    def text(self, text: str) -> str:
        """Replace every known id, address and one-word name in a text that this program wrote."""
        pseudonym = self._pseudonym(text)
        if pseudonym is not None:
            return pseudonym
        tokens = _TOKEN.findall(text.casefold())
        if self.texts.keys().isdisjoint(tokens) and self.named.keys().isdisjoint(tokens):
            return text  # fast path: most texts contain no user
        return _TOKEN.sub(lambda token: self._pseudonym(token[0]) or token[0], text)

    def ids_in(self, text: str) -> str:
        """Replace every known id and address in a text, but not names, because a product may have the same name."""
        tokens = _TOKEN.findall(text.casefold())
        if self.exact.keys().isdisjoint(tokens) and self.named.keys().isdisjoint(tokens):
            return text
        return _TOKEN.sub(
            lambda token: self.exact.get(folded := token[0].casefold()) or self.named.get(folded) or token[0], text
        )

    def free_text(self, text: str) -> str:
        """Replace all addresses, and known ids and names, in a text that a person wrote."""
        cached = self.free_texts.get(text)
        if cached is None:
            cached = self.free_texts[text] = _TOKEN.sub(
                lambda token: self.key.person("", token[0].casefold()) if _ADDRESS.fullmatch(token[0]) else token[0],
                self._without_names(self.ids_in(text)),
            )
        return cached

    def program_text(self, text: str) -> str:
        """Replace every known id, address and name in a text of this program that may contain the name of a group."""
        cached = self.program_texts.get(text)
        if cached is None:
            cached = self.program_texts[text] = self._without_names(self.text(text))
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

    def _without_names(self, text: str) -> str:
        words = _WORD.findall(_folded(text))
        if self.names.keys().isdisjoint(words):
            return text
        for index, word in enumerate(words):
            for length, by_words in self.names.get(word, {}).items():
                for name, pseudonym in by_words.get(tuple(words[index : index + length]), {}).items():
                    text = _replaced(text, name, pseudonym)
        return text

    def _pseudonym(self, text: str) -> str | None:
        folded = text.casefold()
        return self.texts.get(folded) or self.named.get(folded)


def _folded(text: str) -> str:
    """Return a text without differences of case, including those of the Turkish letters for i."""
    return text.casefold().replace("\u0307", "").replace("\u0131", "i")


def _replaced(text: str, name: str, pseudonym: str) -> str:
    """Replace a folded name in a text; folding changes the length of some letters: `ß` becomes `ss`."""
    letters = [_folded(letter) for letter in text]
    index_of = {offset: index for index, offset in enumerate(accumulate(map(len, letters), initial=0))}
    parts, end = [], 0
    for match in re.finditer(re.escape(name), "".join(letters)):
        first, last = index_of.get(match.start()), index_of.get(match.end())
        if first is not None and last is not None:
            parts += [text[end:first], pseudonym]
            end = last
    return "".join(parts) + text[end:]


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


def people_of(
    tenant_id: str,
    findings: Iterable[Finding],
    key: RedactionKey,
    named: Mapping[str, str],
    subjects: Iterable[Subject] = (),
) -> UserPseudonyms:
    """Return the users in the findings of a tenant and in `subjects`, with those in `named` from policies."""
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    subjects_with_evidence = chain(
        ((finding.subject, finding.evidence) for finding in findings), ((subject, {}) for subject in subjects)
    )
    for subject, evidence in subjects_with_evidence:
        if subject.type is SubjectType.USER:
            user_id = subject.id
            pseudonym = ids[user_id] = ids.get(user_id) or key.person(tenant_id, user_id)
            names[subject.name.casefold()] = pseudonym
            addresses[str(evidence.get("userPrincipalName") or "").casefold()] = pseudonym
    # An id takes precedence, because the name of one user may equal the id of another.
    exact = {**addresses, **{user_id.casefold(): pseudonym for user_id, pseudonym in ids.items()}}
    texts = {**names, **exact}
    for lookup in (exact, texts):
        lookup.pop("", None)
    return UserPseudonyms(key=key, ids=ids, texts=texts, exact=exact, names=_by_words(names), named=named)


def _by_words(names: Mapping[str, str]) -> PseudonymsByWords:
    """Return the lookup table of names of several words, with the longest names of each first word first."""
    by_first: dict[str, dict[int, dict[tuple[str, ...], dict[str, str]]]] = {}
    for name, pseudonym in ((_folded(name), pseudonym) for name, pseudonym in names.items()):
        words = tuple(_WORD.findall(name))
        if len(words) > 1:
            by_first.setdefault(words[0], {}).setdefault(len(words), {}).setdefault(words, {})[name] = pseudonym
    return {first: dict(sorted(by_length.items(), reverse=True)) for first, by_length in by_first.items()}


def people_in_policies(result: Result, key: RedactionKey, named: Mapping[str, str]) -> UserPseudonyms:
    """Return the users with findings, in all tenants, who are mentioned in the texts of policies."""
    run = result.run
    words = str([*((h.title, h.rationale, dict(h.spec)) for h in run.policies), dict(run.definitions)]).casefold()
    folded = _folded(words)
    exact: dict[str, str] = {}
    names: dict[str, str] = {}
    for tenant in result.tenants:
        people = people_of(tenant.tenant_id, chain(tenant.findings, tenant.fixed, tenant.unconfirmed), key, {})
        exact.update((text, pseudonym) for text, pseudonym in people.exact.items() if text in words)
        for aliases in (
            aliases for lengths in people.names.values() for group in lengths.values() for aliases in group.values()
        ):
            names.update((name, alias) for name, alias in aliases.items() if name in folded)
    return UserPseudonyms(key=key, exact=exact, names=_by_words(names), named=named)


def named_in(run: Run, key: RedactionKey) -> dict[str, str]:
    """Return the pseudonyms of all users in selectors of policies, populations and waivers, and of waiver owners."""
    selectors = [
        *(header.spec.get("users") for header in run.policies),
        *(run.definitions.get("populations") or {}).values(),
        *(waiver.get("users") for waiver in run.definitions.get("waivers") or ()),
    ]
    values = {text.casefold() for selector in selectors for text in _personal(selector, within=False)}
    owners = {str(waiver.get("owner") or "") for waiver in run.definitions.get("waivers") or ()}
    values |= {owner.casefold() for owner in owners if _ADDRESS.fullmatch(owner)}
    return {value: key.person("", value) for value in values if value}


def _personal(selector: Any, *, within: bool) -> Iterable[str]:
    """Yield the texts below keys that identify a user."""
    match selector:
        case str():
            if within:
                yield selector
        case Mapping():
            for name, value in selector.items():
                yield from _personal(value, within=within or name in PERSONAL)
        case list() | tuple():
            for item in selector:
                yield from _personal(item, within=within)
        case _:
            return
