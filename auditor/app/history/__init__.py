"""Opens saved nights and results, in stores or files, and answers questions about them."""
