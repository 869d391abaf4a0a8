"""Kills the real keeper at every port call and every write, and compares what is left."""
