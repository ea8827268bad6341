"""The checks of the block `subscriptions`."""
