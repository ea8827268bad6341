"""Compares saved results, and computes trends and forecasts."""

from auditor.result.codec.result_reader import load
from auditor.result.diff import compare

__all__ = ["compare", "load"]
