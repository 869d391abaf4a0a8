"""`keeper vault`: what its commands are made of."""
