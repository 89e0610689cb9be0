"""`python -m practicum_labs`."""

import sys

from practicum_labs.cli import main

sys.exit(main())
