"""Microsoft's built-in directory roles: names, template ids, and which of them Microsoft labels as privileged."""

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from msgspec import Struct

from auditor import resources
from auditor.catalogue.model import GUID


class DirectoryRole(Struct, frozen=True, kw_only=True):
    """A built-in role."""

    template_id: str
    """A lower-case GUID; equal to the id of the role's definition in every tenant."""
    name: str
    """Microsoft's English display name."""
    privileged: bool


@cache
def builtin_roles() -> Mapping[str, DirectoryRole]:
    """Return the built-in roles by template id, from Microsoft's reference page of the date in roles.json."""
    document = json.loads(resources.folder("auditor.catalogue").joinpath("roles.json").read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            template: DirectoryRole(template_id=template, name=name, privileged=key == "privileged")
            for key in ("privileged", "others")
            for template, name in document[key]
        }
    )


@cache
def builtin_role_ids() -> Mapping[str, str]:
    """Return the template id of each built-in role by its case-folded name and by the id itself."""
    roles = builtin_roles().values()
    names = {role.name.casefold(): role.template_id for role in roles}
    return MappingProxyType({**names, **{role.template_id: role.template_id for role in roles}})


def is_role_name(name: str) -> bool:
    """Return whether a policy can use `name` for a role in any tenant: the name of a built-in role, or any id."""
    folded = name.casefold()
    return folded in builtin_role_ids() or GUID.fullmatch(folded) is not None


def builtin_role(name: str) -> DirectoryRole | None:
    """Return the built-in role with this name or id; None if there is none."""
    template = builtin_role_ids().get(name.casefold())
    return None if template is None else builtin_roles()[template]
