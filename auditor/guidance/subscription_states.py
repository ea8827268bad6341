"""The states of a subscription as the admin center names them."""

from collections.abc import Callable


def state_name(gettext: Callable[[str], str], status: str) -> str:
    """Return the admin center's name for a state of Graph; unknown states are returned unchanged."""
    match status.casefold():
        case "enabled":
            return gettext("Active")
        case "warning":
            return gettext("Expired")
        case "suspended" | "lockedout":
            return gettext("Disabled")
        case "deleted":
            return gettext("Deleted")
        case _:
            return status
