"""The library of Microsoft's documented fixes: rules that choose an article, and its composition for a tenant."""

from auditor.guidance.compose import compose
from auditor.guidance.library import open_library
from auditor.guidance.model import Article, Library, Order, Variant
from auditor.guidance.routing import ERRORS, Situation, error_article
from auditor.guidance.tenant_guidance import Composed

__all__ = [
    "ERRORS",
    "Article",
    "Composed",
    "Library",
    "Order",
    "Situation",
    "Variant",
    "compose",
    "error_article",
    "open_library",
]
