"""Social care: one canonical set of landing tables, and an adapter for each form in which councils send it.

Here belong `canonical` (the tables, declared once) and one module a feed that projects its source onto them.
"""
