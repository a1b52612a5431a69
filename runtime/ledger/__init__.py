"""Lifeforce: the accounts of an economy and the only writer of them."""
