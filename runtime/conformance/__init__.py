"""Suites that prove an implementation of a port: laws as plain methods ``test_...`` with plain asserts.

Subclass one, say how to make what it is about, and have pytest run the subclass.  They need
hypothesis (the extra ``conformance``), and of assertion rewriting only ``pytest.register_assert_rewrite``.
"""
