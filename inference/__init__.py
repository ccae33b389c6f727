"""Engines and adapters. Knows nothing of people or chats, nor of where their rows live."""

import os

# OpenMP's threads burn a core while they wait for each other, and on a machine with other work to do that makes
# inference ten times slower; a thousand turns is long enough to wait. Read once, when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
