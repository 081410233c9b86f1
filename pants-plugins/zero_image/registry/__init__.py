"""Bases that were built elsewhere, and how they are fetched."""
