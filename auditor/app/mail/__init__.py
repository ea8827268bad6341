"""Sends a Result to its recipients: selects them, builds mails and messages, and opens the routes of `deliver`."""
