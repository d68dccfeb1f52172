"""Shows what the suite would find: `python -m testbed.campaign.proof`, or `make prove`."""

from __future__ import annotations

import sys

from testbed.campaign.proof.proving import main

if __name__ == "__main__":
    sys.exit(main())
