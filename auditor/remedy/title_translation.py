"""Translates the English titles of saved actions, of which only the complete text is stored."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

from msgspec import Struct

from auditor.domain.actions.kind import ActionKind
from auditor.domain.translation import Localizer
from auditor.remedy import messages
from auditor.remedy.currency import relabelled_money
from auditor.remedy.titles import MAILBOX, action_title, and_other_products

_NUMBERS: Final = ("count", "groups")
_PARTS: Final = ("old", "new", "extra")
_OR: Final = " or "
"""Separator of alternative products."""
_AND_OTHERS: Final = re.compile(r"(?P<name>.+) and (?P<count>[0-9][0-9,]*) other products?", re.DOTALL)
"""The products of an action that combines several."""
_SINGULAR: Final = 1
_PLURAL: Final = 2


class _Form(Struct, frozen=True):
    """One English form of a title, and the arguments with which `action_title` returns it."""

    pattern: re.Pattern[str]
    count: int
    """1 for the singular, else 2."""
    groups: int
    article: str
    answered: bool
    declined: bool


class _Templates(Struct, frozen=True):
    """Returns English templates in which the placeholders of numbers are kept."""

    def gettext(self, message: str, /) -> str:
        return message.replace("{count}", "{{count}}").replace("{groups}", "{{groups}}")

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        return self.gettext(singular if number == _SINGULAR else plural)


def translated_title(title: str, kind: str, l10n: Localizer) -> str:
    """Translate the title of a saved action; a title of another version stays English."""
    text, _, article = title.rpartition(" – ")
    if l10n.gettext(article) != article and (translated := _translated(text, kind, l10n)) is not None:
        return messages.about(l10n, translated, article)
    return _translated(title, kind, l10n) or title


def _translated(title: str, kind: str, l10n: Localizer) -> str | None:
    if kind not in ActionKind.__members__.values():
        return None
    matches = [(form, match) for form in _forms(ActionKind(kind)) if (match := form.pattern.fullmatch(title))]
    if not matches:
        return None
    # A name may contain parentheses, as some templates do: for example `Exchange Online (Plan 1)`.
    balanced = (match for match in matches if all(map(_is_balanced, match[1].groups(""))))
    form, match = next(balanced, matches[0])
    parts = match.groupdict()
    count, groups = _number(parts.pop("count", None), form.count), _number(parts.pop("groups", None), form.groups)
    translated = {name: _translated_part(name, text, ActionKind(kind), l10n) for name, text in parts.items()}
    return action_title(
        l10n,
        ActionKind(kind),
        count,
        groups=groups,
        article=form.article,
        answered=form.answered,
        declined=form.declined,
        **translated,
    )


def _number(text: str | None, default: int) -> int:
    return int(text.replace(",", "")) if text else default


def _translated_part(name: str, text: str, kind: ActionKind, l10n: Localizer) -> str:
    """Translate a part of a title: a list of products, an amount, a state or a property."""
    if name == "new" and _OR in text:
        first, _, last = text.rpartition(_OR)
        last = l10n.gettext("another product") if last == "another product" else last
        return l10n.gettext("{first} or {last}").format(first=first, last=last)
    if name == "old" and (match := _AND_OTHERS.fullmatch(text)) is not None:
        return and_other_products(l10n, match["name"], _number(match["count"], 0))
    if kind is ActionKind.BUDGET and text:
        return relabelled_money(text, l10n)
    # Names of products and groups have no translation.
    return l10n.gettext(text) if text else ""


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


@cache
def _forms(kind: ActionKind) -> tuple[_Form, ...]:
    return tuple(dict.fromkeys(_all_forms(kind)))


def _all_forms(kind: ActionKind) -> Iterator[_Form]:
    names = {name: f"{{{name}}}" for name in _PARTS}
    decisions = ((False, False), (True, False), (True, True))
    numbers = (_SINGULAR, _PLURAL)
    choices = product((MAILBOX, ""), numbers, numbers, (names["new"], ""), (names["extra"], ""), decisions)
    for article, count, groups, new, extra, (answered, declined) in choices:
        texts = {**names, "new": new, "extra": extra, "article": article}
        form = action_title(_Templates(), kind, count, **texts, groups=groups, answered=answered, declined=declined)
        yield from (
            _Form(_pattern(form, wildcard), count, groups, article, answered, declined) for wildcard in (".*?", ".*")
        )


def _pattern(form: str, wildcard: str) -> re.Pattern[str]:
    text = re.escape(form)
    for name in (*_NUMBERS, *_PARTS):
        part = r"[0-9][0-9,]*" if name in _NUMBERS else wildcard
        text = text.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{part})", 1)
    return re.compile(text, re.DOTALL)
