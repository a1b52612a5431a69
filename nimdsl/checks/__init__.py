"""Checks of what is well formed but cannot be meant.

``guards`` decides what conditions can be true together, ``machines`` checks
machines, ``phases`` checks phases.  Each finding has its own code
(:mod:`nimdsl.base.catalogue`).
"""
