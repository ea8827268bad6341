"""Turns saved results into Results again, and two of them into what changed."""

from auditor.history.change import compare
from auditor.history.saved import load

__all__ = ["compare", "load"]
