"""From a contract to the Python source of its rows and repositories."""
