"""Delivers artifacts: into folders, by mail through Graph or SMTP, to GitHub."""
