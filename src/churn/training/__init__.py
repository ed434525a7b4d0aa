"""From data to a registered model."""

import os

# Before OpenMP loads: threads that wait sleep instead of spinning, or two libraries' threads starve each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
