"""What actions of a tenant are built from: its findings, the guidance, names, prices and the language."""

from collections.abc import Callable, Mapping
from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.action import Deadline
from auditor.domain.enums import SubjectType
from auditor.domain.errors import printable
from auditor.domain.translation import Localizer
from auditor.engine.outcome import stable_id
from auditor.guidance import Library, Variant
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.guidance.text import GuidanceText, article_text


class ActionInputs(Struct, frozen=True, kw_only=True):
    """The inputs for building actions: the tenant, the guidance, names and language."""

    context: RemediationContext
    library: Library
    l10n: Localizer
    groups: Mapping[str, str]
    """Group id → name, as far as it is known."""
    products_of_groups: Mapping[str, tuple[str, ...]]
    """Group id → skuIds that it assigns to people with findings, as far as they are known."""
    product_label: Callable[[str], str]
    """Returns the display name of a product, as `RemediationContext.product_label` does."""
    planned: bool
    """Whether the actions are those of a plan, which also counts products that it chooses."""

    @classmethod
    def of(
        cls, context: RemediationContext, library: Library, l10n: Localizer, groups: Mapping[str, str], *, planned: bool
    ) -> "ActionInputs":
        """Return the inputs; names in `groups` take precedence over those in findings."""
        names = {f.subject.id: f.subject.name for f in context.findings if f.subject.type is SubjectType.GROUP}
        label = cache(context.product_label)  # actions name the same products again and again
        return cls(
            context=context,
            library=library,
            l10n=l10n,
            groups={**names, **groups},
            products_of_groups={item.group: item.sku_ids for item in context.tenant.group_products or ()},
            product_label=label,
            planned=planned,
        )

    def guidance(self, article: str, variant: Variant, deadline: Deadline | None) -> GuidanceText:
        """Return the guidance of an article for a variant, as of the day of the audit."""
        today = replace(variant, day=self.context.today)
        return article_text(self.library, article, today, self.l10n, deadline)

    def group_label(self, group: str) -> str:
        """Return the name of a group, or its id if the name is not known."""
        return printable(self.groups.get(group) or group)

    def identity(self, group: ActionGroup) -> str:
        """Return the id of an action: a hash of what it does, without counts, so that it is stable between runs."""
        tenant, first = self.context.tenant, group.first
        variety = "requests" if group.has_requests else "proven" if first.proven else ""
        variety += " decided" if first.answered else ""
        variety += f" {first.blocked}" if first.blocked else ""
        name = tenant.tenant_id or tenant.name
        return stable_id(name, first.kind.value, group.article, *group.subject, variety)
