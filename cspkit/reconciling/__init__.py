"""Compare ledger and service: nothing doubled, lost, ended or renewed unseen; changes nothing."""

from cspkit.reconciling.comparing import Comparison
from cspkit.reconciling.differences import COLUMNS, Difference, Kind
from cspkit.reconciling.opening import begin
from cspkit.reconciling.waiting import Waiting, last_reconciled, waiting
from cspkit.reconciling.work import Work

__all__ = [
    "COLUMNS",
    "Comparison",
    "Difference",
    "Kind",
    "Waiting",
    "Work",
    "begin",
    "last_reconciled",
    "waiting",
]
