"""`keeper bond`: what its commands are made of."""
