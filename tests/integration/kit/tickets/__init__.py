"""The context that owns tickets and announces what happens to them."""
