"""Root file systems in memory, and the programs in them."""
