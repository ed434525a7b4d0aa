"""What a worker needs, loaded once: by the process that workers are copies of.

So a worker starts with a tenth of the work, and soon even where the CPU is short. That process loads this module, then
only makes copies. It has no threads of our own, and nothing of a request.
"""

import gc
import signal

import uvloop  # noqa: F401

import churn.service.app
import churn.service.server  # noqa: F401
from churn.service.worker import HELD_BACK

signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
# What is frozen is not touched by the collections of the copies, which so share its memory.
gc.collect()
gc.freeze()
