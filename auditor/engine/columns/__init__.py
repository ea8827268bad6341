"""Arrow columns and bit masks that several checks share."""
