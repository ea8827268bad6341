"""Whom a result is about, and whom its policies name, into what finds these people in a text and replaces them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from auditor.app.pseudonyms import Key
from auditor.domain.result import Finding, Result, Run
from auditor.domain.words import SubjectType

PERSONAL: Final = frozenset({"userPrincipalName", "displayName", "mail", "id", "userId"})
"""Keys of evidence and selectors that tell who somebody is."""
_TOKEN: Final = re.compile(r"""[^\s/'"(),;=<>\[\]{}]*[^\s/'"(),;=<>\[\]{}.:!?]""")
"""What can be an id or an address in a text: no address and no id holds one of these signs, or ends in a stop."""
_WORD: Final = re.compile(r"\w+")
_ADDRESS: Final = re.compile(r"[^@]+@[^@]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The pseudonyms of people: by id, and by everything that names them in a text, in small letters."""

    key: Key
    ids: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    exact: Mapping[str, str] = field(default_factory=dict)
    """Those of them that are ids or addresses."""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Names of more than one word, which are found inside texts, by their first word."""
    named: Mapping[str, str] = field(default_factory=dict)
    """People whom policies name."""
    told: dict[str, str] = field(default_factory=dict)
    """Free texts and what stands for them."""

    def text(self, text: str) -> str:
        """Replace every known id and address in a text of ours; a name of one word of it says nothing."""
        found = self._of(text)
        if found is not None:
            return found
        tokens = [token.casefold() for token in _TOKEN.findall(text)]
        if self.texts.keys().isdisjoint(tokens) and self.named.keys().isdisjoint(tokens):
            return text  # as in most texts: they name nobody
        return _TOKEN.sub(lambda token: self._of(token[0]) or token[0], text)

    def ids_in(self, text: str) -> str:
        """Replace every known id and address in a text, and no name: what a product is called may be a name as well."""
        tokens = [token.casefold() for token in _TOKEN.findall(text)]
        if self.exact.keys().isdisjoint(tokens) and self.named.keys().isdisjoint(tokens):
            return text
        return _TOKEN.sub(lambda token: self._exact(token[0].casefold()) or token[0], text)

    def _exact(self, small: str) -> str | None:
        return self.exact.get(small) or self.named.get(small)

    def free(self, text: str) -> str:
        """Replace every address, and every known id and name, in a text that somebody wrote."""
        known = self.told.get(text)
        if known is None:
            known = self.told[text] = self._free(text)
        return known

    def said(self, text: str) -> str:
        """Replace every known id, address and name in a text of ours, which may hold the name of a group."""
        return self._without_names(self.text(text))

    def _free(self, text: str) -> str:
        return _TOKEN.sub(
            lambda token: self.key.person("", token[0].casefold()) if _ADDRESS.fullmatch(token[0]) else token[0],
            self._without_names(self.ids_in(text)),
        )

    def _without_names(self, text: str) -> str:
        for word in set(_WORD.findall(text.casefold())) & self.names.keys():
            for name, pseudonym in self.names[word].items():
                if name in text.casefold():
                    text = re.sub(re.escape(name), pseudonym, text, flags=re.IGNORECASE)
        return text

    def _of(self, text: str) -> str | None:
        small = text.casefold()
        return self.texts.get(small) or self.named.get(small)

    def plain(self, value: Any, change: Callable[[str], str]) -> Any:
        """Replace people in any JSON value."""
        match value:
            case str():
                return change(value)
            case Mapping():
                return {key: self.plain(item, change) for key, item in value.items()}
            case list() | tuple():
                return [self.plain(item, change) for item in value]
            case _:
                return value


def people_of(tenant_id: str, findings: Iterable[Finding], key: Key, named: Mapping[str, str]) -> People:
    """Return the users whom some findings of a tenant are about, beside those whom policies name."""
    ids: dict[str, str] = {}
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    for finding in findings:
        if finding.subject.type is SubjectType.USER:
            user = finding.subject.id
            name = ids[user] = ids.get(user) or key.person(tenant_id, user)
            names[finding.subject.name.casefold()] = name
            addresses[str(finding.evidence.get("userPrincipalName") or "").casefold()] = name
    # Anybody may be called what is another's id: the id goes before.
    exact = {**addresses, **{user.casefold(): name for user, name in ids.items()}}
    texts = {**names, **exact}
    for found in (exact, texts):
        found.pop("", None)
    long: dict[str, dict[str, str]] = {}
    for name, pseudonym in names.items():
        words = _WORD.findall(name)
        if len(words) > 1:
            long.setdefault(words[0], {})[name] = pseudonym
    return People(key=key, ids=ids, texts=texts, exact=exact, names=long, named=named)


def mentioned(result: Result, key: Key, named: Mapping[str, str]) -> People:
    """Return those users with findings, of all tenants, whom the policies' own words mention."""
    run = result.run
    words = str([*((h.title, h.rationale, dict(h.spec)) for h in run.policies), dict(run.definitions)]).casefold()
    exact: dict[str, str] = {}
    names: dict[str, dict[str, str]] = {}
    for tenant in result.tenants:
        people = people_of(tenant.tenant_id, (*tenant.findings, *tenant.fixed, *tenant.unconfirmed), key, {})
        exact.update((text, pseudonym) for text, pseudonym in people.exact.items() if text in words)
        for word, known in people.names.items():
            names.setdefault(word, {}).update((name, alias) for name, alias in known.items() if name in words)
    return People(key=key, exact=exact, names=names, named=named)


def named_in(run: Run, key: Key) -> dict[str, str]:
    """Return the pseudonyms of everybody whom selectors of policies, populations and waivers name."""
    selectors = [
        *(header.spec.get("users") for header in run.policies),
        *(run.definitions.get("populations") or {}).values(),
        *(waiver.get("users") for waiver in run.definitions.get("waivers") or ()),
    ]
    values = {text.casefold() for selector in selectors for text in _personal(selector, within=False)}
    owners = {str(waiver.get(name) or "") for waiver in run.definitions.get("waivers") or () for name in ("owner",)}
    values |= {owner.casefold() for owner in owners if _ADDRESS.fullmatch(owner)}
    return {value: key.person("", value) for value in values if value}


def _personal(selector: Any, *, within: bool) -> Iterable[str]:
    """Yield the texts below keys that tell who somebody is."""
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
