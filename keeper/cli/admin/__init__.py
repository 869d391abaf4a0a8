"""`keeper admin`: what its commands are made of."""
