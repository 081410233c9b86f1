"""Layers and bases as folders: how they are written, what goes into them."""
