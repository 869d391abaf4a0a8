"""A reporter: captures the venue at the cut, recomputes equity on its own, signs or refuses."""
