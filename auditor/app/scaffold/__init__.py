"""Builds and writes the repository of a team, and the commands that prepare its tenant (`auditor init`)."""
