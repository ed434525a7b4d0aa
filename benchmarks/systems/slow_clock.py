"""Our service with the clocks of its threads as slow as callgrind makes the service itself.

An answer takes some 20 times as long there. The log's thread would look at its queue 20 times as often for an answer,
and its instructions would depend on how busy the machine is.
"""

import runpy
import sys

from churn.prediction_log import writer

SLOWER = 20

writer.TICK_S *= SLOWER
sys.setswitchinterval(sys.getswitchinterval() * SLOWER)
sys.argv = ["churn", "serve"]
runpy.run_module("churn", run_name="__main__", alter_sys=True)
