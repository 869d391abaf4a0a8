"""Athanor's keeper: a market maker that anyone can replay."""

__version__ = "0.1.0"
