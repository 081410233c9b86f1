"""What all images have in common."""

APP = "app"
"""Where a service lives in an image: its environment, its sources and its files."""

SOURCES = f"{APP}/src"

USER = 65532
"""The id of the user and group that services run as, ``nonroot`` in distroless images."""

EPOCH = 315_532_800
"""The time of every file and image, 1980-01-01 UTC: the earliest that zip archives made of them can hold."""
