"""From documents to the program: one module a kind.

``documents`` gathers and instantiates, ``reader`` reads typed fields and
reports what is wrong with them.  :mod:`nimdsl.assembly` puts the parts together.
"""
