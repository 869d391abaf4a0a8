"""What `ape run deploy` and `ape run local_world` are made of."""
