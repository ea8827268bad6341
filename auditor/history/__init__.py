"""Reads saved results, compares two of them, and computes trends and forecasts."""

from auditor.history.result_reader import load
from auditor.result.diff import compare

__all__ = ["compare", "load"]
