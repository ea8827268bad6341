"""Commands that read and update the product catalogue and price lists."""
