"""Titles of actions that change nothing before somebody has decided."""

from collections.abc import Callable

from auditor.domain.actions.kind import ActionKind


def titled(ngettext: Callable[[str, str, int], str], kind: ActionKind, count: int) -> str | None:
    """Return the title of an action that asks something about so many people; None for another kind."""
    match kind:
        case ActionKind.DOWNGRADE:
            return ngettext(
                "Ask whether {new} is enough for {count} person in place of {old}",
                "Ask whether {new} is enough for {count} people in place of {old}",
                count,
            )
        case ActionKind.SEPARATE:
            return ngettext(
                "Move the directory roles of {count} person to a separate account",
                "Move the directory roles of {count} people to separate accounts",
                count,
            )
        case _:
            return None
