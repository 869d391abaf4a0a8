"""The real command line against the real local world, and proof that the world relaxes nothing."""
