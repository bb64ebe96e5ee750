"""Customers' reviews of products, and which of these customers really bought them."""
