"""Suites that prove an implementation of a port of the real garden; see :mod:`runtime.conformance`."""
