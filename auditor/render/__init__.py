"""Renders results and plans as bytes, with one module per output format."""

from auditor.render.formats import FORMATS, Format, render
from auditor.render.json.result import TenantSpans, result_json, tenant_frame, tenant_json

__all__ = ["FORMATS", "Format", "TenantSpans", "render", "result_json", "tenant_frame", "tenant_json"]
