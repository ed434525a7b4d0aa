"""The HTTP service."""

import sys

# XGBoost loads scikit-learn where it is installed, for wrappers that serving never uses: 3 of 4 seconds until the first
# answer. While its name stands for nothing, XGBoost does without. Where training came first, all is loaded anyway.
if "xgboost" not in sys.modules and "sklearn" not in sys.modules:
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        import xgboost  # noqa: F401
    finally:
        del sys.modules["sklearn"]
