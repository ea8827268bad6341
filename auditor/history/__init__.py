"""Turns saved results into Results again, and two of them into what changed."""

from auditor.history.result_reader import load
from auditor.result.diff import compare

__all__ = ["compare", "load"]
