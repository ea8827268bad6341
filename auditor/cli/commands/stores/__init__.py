"""Commands that keep nights in a store and show trends over them."""
