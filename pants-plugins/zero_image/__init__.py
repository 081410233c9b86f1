"""OCI images of Python services, built without a daemon and reproducible to the byte.

Run as ``python -m zero_image <command>``; README.md beside this file is the contract of the commands and of
the folders that pass between them. Standard library only, so any CPython 3.11 or newer runs it as it is.
"""
