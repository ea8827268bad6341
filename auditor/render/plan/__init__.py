"""Renders remediation plans: as Markdown, HTML, JSON, questions, approvals and scripts."""
