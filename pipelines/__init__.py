"""Phases, one file each: what runs where, with splits, staging, resume and the command line."""

import os

# Work is spread over processes. A second thread for NumPy's linear algebra would only wait in each
# of them, at the cost of a tenth of a second at every start and fork. Read when NumPy is first
# imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
