import numpy as np
import numpy.typing as npt

from churn.contract.declaration import Rows

most_features: int
most_columns: int
lanes: int

class Kernel:
    def __init__(
        self,
        base: npt.NDArray[np.float64],
        thresholds: npt.NDArray[np.float32],
        threshold_ends: npt.NDArray[np.int64],
        groups: npt.NDArray[np.int64],
        features: npt.NDArray[np.int64],
        passes: npt.NDArray[np.uint8],
        numbers: npt.NDArray[np.float32],
        points: npt.NDArray[np.float32],
        weights: npt.NDArray[np.float32],
        *,
        portable: bool = False,
    ) -> None: ...
    def explain(self, rows: Rows) -> npt.NDArray[np.float64]: ...
