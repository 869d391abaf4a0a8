"""The demonstration: the main job told in scenes on the local world, then counted to the unit."""
