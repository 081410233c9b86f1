"""The Python inside an image, and what runs on it."""
