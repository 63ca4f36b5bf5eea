"""``python -m wva_exporter`` is ``wva-exporter``."""

import sys

from wva_exporter.cli import main

sys.exit(main())
