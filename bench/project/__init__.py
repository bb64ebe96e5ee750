"""A small project: one context that announces orders, and three that hear of them."""
