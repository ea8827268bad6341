"""Puts the guidance of actions into texts."""
