"""The titles of sources, with which reports and reasons name them, and the names of services in usage reports."""

from collections.abc import Mapping
from typing import Final

from auditor.domain.enums import Source
from auditor.domain.translation import N_

SOURCE_TITLES: Final[Mapping[Source, str]] = {
    Source.ORGANIZATION: N_("Organisation"),
    Source.SUBSCRIBED_SKUS: N_("Subscribed products"),
    Source.SUBSCRIPTIONS: N_("Subscriptions"),
    Source.USERS: N_("Users and their licences"),
    Source.SIGN_IN_ACTIVITY: N_("Sign-in activity"),
    Source.MAILBOXES: N_("Mailbox types"),
    Source.GROUPS: N_("Groups"),
    Source.MEMBERS: N_("Group members"),
    Source.USAGE: N_("Usage of services"),
    Source.APP_USAGE: N_("Usage of Microsoft 365 Apps"),
    Source.COPILOT_USAGE: N_("Usage of Microsoft 365 Copilot"),
    Source.MAILBOX_USAGE: N_("Usage of mailboxes"),
    Source.DIRECTORY_ROLES: N_("Directory roles"),
    Source.CONDITIONAL_ACCESS: N_("Conditional Access policies"),
    Source.DEVICES: N_("Managed devices"),
}
SERVICE_NAMES: Final[Mapping[str, str]] = {
    "exchange": "Exchange",
    "onedrive": "OneDrive",
    "sharepoint": "SharePoint",
    "skype": "Skype for Business",
    "yammer": "Viva Engage",
    "teams": "Teams",
    "copilot": "Copilot",
}
"""The names of services by the keys that the evidence of findings has for them; the same in every language."""
