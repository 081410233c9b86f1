"""Bases made of Debian packages, and their locks."""
