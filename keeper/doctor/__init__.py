"""Looks at everything a keeper depends on before, and while, it runs; reads, never writes.

Each check is a probe with a stable id; its findings are ok, warn, fail or skip, with the fix.
"""
