"""Whole images: the archive, and the Dockerfile that builds the same."""
