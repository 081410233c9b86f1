"""`python -m zero_codegen`."""

import sys

from zero_codegen.cli import main

sys.exit(main(sys.argv[1:]))
