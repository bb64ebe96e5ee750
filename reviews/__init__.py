"""What customers think of products, and which of those customers really bought them."""
