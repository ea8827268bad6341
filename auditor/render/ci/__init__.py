"""Renders formats for CI systems: SARIF, JUnit, Markdown summaries, issues."""
