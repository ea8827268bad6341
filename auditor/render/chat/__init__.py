"""Renders messages for channels: Adaptive Cards, Slack blocks, JSON events."""
