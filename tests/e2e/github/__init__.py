"""Tests of the GitHub action and workflows, with a simulated runner and a simulated GitHub."""
