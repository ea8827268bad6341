"""Commands that plan changes, record decisions and verify the outcome."""
