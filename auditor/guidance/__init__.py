"""The library of Microsoft's documented fixes: rules that choose an article, and its composition for a tenant."""

from auditor.guidance.compose import compose, related_links
from auditor.guidance.library import open_library
from auditor.guidance.model import Article, Library, Order, Variant
from auditor.guidance.routing import ERRORS, Situation, error_article
from auditor.guidance.tenant_guidance import Composed, Hyperlink

__all__ = [
    "ERRORS",
    "Article",
    "Composed",
    "Hyperlink",
    "Library",
    "Order",
    "Situation",
    "Variant",
    "compose",
    "error_article",
    "open_library",
    "related_links",
]
