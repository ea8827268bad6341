"""Routes findings to guidance articles, and renders articles as text."""
