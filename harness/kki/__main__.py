"""`python -m kki` is `kki`."""

import sys

from kki.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
