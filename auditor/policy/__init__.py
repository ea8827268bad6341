"""Policy files: YAML text into policies with source spans, and those into what must be collected."""
