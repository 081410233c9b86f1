"""The generator: turns a contract (`.api`, `.proto`, `.sql`) into Python source text.

Each kind of contract is a subpackage that reads as parse -> check -> emit. The generator knows nothing of
Pants and never imports the runtime; the modules at this level are what the kinds share.
"""
