"""Turns a finding's check and situation into Microsoft's documented way to mend it."""

from auditor.guidance.choose import CHECKS, Situation, choose
from auditor.guidance.compose import compose
from auditor.guidance.composed import Composed
from auditor.guidance.library import read_library
from auditor.guidance.messages import translatable
from auditor.guidance.model import Article, Library, Order, Variant
from auditor.guidance.opening import open_library

__all__ = [
    "CHECKS",
    "Article",
    "Composed",
    "Library",
    "Order",
    "Situation",
    "Variant",
    "choose",
    "compose",
    "open_library",
    "read_library",
    "translatable",
]
