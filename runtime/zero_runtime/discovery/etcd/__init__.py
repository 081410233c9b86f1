"""etcd as the registry of a fleet. Imported only where one is configured."""
