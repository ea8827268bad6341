"""Query options and pages of lists."""
