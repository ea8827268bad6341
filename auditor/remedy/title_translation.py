"""Translates the English titles of saved actions, which hold no parts of their own."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Final

from msgspec import Struct

from auditor.domain.actions.kind import ActionKind
from auditor.remedy import messages
from auditor.remedy.currency import relabelled_money
from auditor.remedy.messages import Localizer
from auditor.remedy.titles import MAILBOX, action_title

_PARTS: Final = ("old", "new", "extra")
_OR: Final = " or "
"""Joins the products of which one is to be assigned."""
_ONE: Final = 1
_MANY: Final = 2


class _Form(Struct, frozen=True):
    """One English form of a title, and how it is asked for."""

    pattern: re.Pattern[str]
    count: int
    """1 for the singular, else 2."""
    groups: int
    article: str
    answered: bool
    declined: bool


class _Templates(Struct, frozen=True):
    """Returns English templates in which each name stands for itself."""

    def gettext(self, message: str, /) -> str:
        return message.replace("{count}", "{{count}}")

    def ngettext(self, singular: str, plural: str, number: int, /) -> str:
        return self.gettext(singular if number == _ONE else plural)


def translated_title(title: str, kind: str, l10n: Localizer) -> str:
    """Return the title of an action of a kind in the language of `l10n`; one of another version stays English."""
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
    # A name may hold the brackets that a template has, too: as in `Exchange Online (Plan 1)`.
    balanced = (match for match in matches if all(map(_is_balanced, match[1].groups(""))))
    form, match = next(balanced, matches[0])
    parts = match.groupdict()
    count = int((parts.pop("count", None) or str(form.count)).replace(",", ""))
    translated = {name: _translated_part(name, text, ActionKind(kind), l10n) for name, text in parts.items()}
    return action_title(
        l10n,
        ActionKind(kind),
        count,
        groups=form.groups,
        article=form.article,
        answered=form.answered,
        declined=form.declined,
        **translated,
    )


def _translated_part(name: str, text: str, kind: ActionKind, l10n: Localizer) -> str:
    """Return a part of a title in another language: lists of products, amounts, states and properties."""
    if name == "new" and _OR in text:
        first, _, last = text.rpartition(_OR)
        last = l10n.gettext("another product") if last == "another product" else last
        return l10n.gettext("{first} or {last}").format(first=first, last=last)
    if kind is ActionKind.BUDGET and text:
        return relabelled_money(text, l10n)
    # Names of products and groups have no translation.
    return l10n.gettext(text) if text else ""


def _is_balanced(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            return False
    return depth == 0


@cache
def _forms(kind: ActionKind) -> tuple[_Form, ...]:
    return tuple(dict.fromkeys(_all_forms(kind)))


def _all_forms(kind: ActionKind) -> Iterator[_Form]:
    names = {name: f"{{{name}}}" for name in _PARTS}
    decisions = ((False, False), (True, False), (True, True))
    choices = product((MAILBOX, ""), (_ONE, _MANY), (_ONE, _MANY), (names["new"], ""), decisions)
    for article, count, groups, new, (answered, declined) in choices:
        texts = {**names, "new": new, "article": article}
        form = action_title(_Templates(), kind, count, **texts, groups=groups, answered=answered, declined=declined)
        yield from (_Form(_pattern(form, any_), count, groups, article, answered, declined) for any_ in (".*?", ".*"))


def _pattern(form: str, any_: str) -> re.Pattern[str]:
    text = re.escape(form)
    for name in ("count", *_PARTS):
        part = r"[0-9][0-9,]*" if name == "count" else any_
        text = text.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{part})", 1)
    return re.compile(text, re.DOTALL)
