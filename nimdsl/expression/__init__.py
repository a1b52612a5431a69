"""The expression language: a small, total, typed subset of CEL.

``syntax`` holds the tree and the parser, ``types`` the types, ``check`` infers
types and reports mistakes, ``functions`` is the list of functions, ``evaluate``
turns a checked tree into a Python closure.  Nothing here ever calls ``eval``.
"""
