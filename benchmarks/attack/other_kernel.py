"""Run a module with a kernel from elsewhere in the place of the installed one: KERNEL MODULE ARGUMENTS..."""

import importlib.util
import runpy
import sys

NAME = "churn.explain.kernel"


def load_kernel(path: str) -> None:
    """Load the kernel before anybody imports the installed one.

    Raises:
        ImportError: there is none.
    """
    spec = importlib.util.spec_from_file_location(NAME, path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_kernel(sys.argv[1])
    del sys.argv[:2]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
