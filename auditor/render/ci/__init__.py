"""Writes the formats that build systems read: SARIF, JUnit, Markdown summaries."""
