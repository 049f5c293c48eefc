"""Resilience mutants: the system with one mitigation switched off must be caught, for the right reason.

A suite that never fails may be blind. So every experiment has to hold on the system as it is and to
break on each mutant that it is there for. Which promise of which journey breaks, and what else may, is
written down before the run; whatever breaks beyond that is a wrong reason. The idea is mutation
testing's (R. DeMillo, R. Lipton, F. Sayward, "Hints on test data selection", IEEE Computer 11(4), 1978),
applied to mitigations instead of statements.
"""

from chaoskit.mutants.declaration import Catch, Collateral, Mutant
from chaoskit.mutants.matrix import text, to_record
from chaoskit.mutants.trials import Experiment, Trial, detect

__all__ = ["Catch", "Collateral", "Experiment", "Mutant", "Trial", "detect", "text", "to_record"]
