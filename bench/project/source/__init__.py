"""The context that takes orders and announces them."""
