"""Our figures, and how they are measured; run by `make bench`."""
