"""Events of orders that say more than the shop's own: for two of the four styles."""
