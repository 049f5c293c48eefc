"""Is the last night worse than the nights before it, by more than nights differ anyway?

Nights differ by more than chance within a night: another machine, a noisy neighbour. How much they
differ cannot be seen in two or three of them. So both tests start from a spread that is assumed,
and learn from the nights as there are more of them: an assumption weighs as much as
:data:`PRIOR_NIGHTS` nights would. This is the moderated test of G. K. Smyth, "Linear models and
empirical Bayes methods for assessing differential expression in microarray experiments",
Statistical Applications in Genetics and Molecular Biology 3, 2004, with a prior that is fixed
instead of estimated. ``docs/trend.md`` has the figures behind the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from chaoskit.trend.distributions import beta_binomial_at_least, student_at_least

PRIOR_NIGHTS = 8.0
"""As many nights an assumption about their spread is worth."""
PRIOR_CORRELATION = 0.005
"""How alike requests of one night are: the share of the variance that lies between nights."""
PRIOR_SPREAD = 0.25
"""The standard deviation of the logarithm of a time between nights: a quarter more or less."""
_MAD = 1.4826
"""From the median absolute deviation to the standard deviation, for normal errors."""
_MAD_EFFICIENCY = 0.37
"""What a median absolute deviation is worth against a standard deviation (P. J. Rousseeuw and
C. Croux, "Alternatives to the median absolute deviation", JASA 88, 1993)."""


def share_rose(before: Sequence[tuple[int, int]], last: tuple[int, int]) -> float:
    """How likely so many bad requests are if the last night is like those before: a p-value.

    The share of bad requests of a night varies as a beta distribution (so the counts are
    beta-binomial). Its mean is what the earlier nights had, half a bad request added; its spread is
    that between nights, and that of a mean known from few nights.

    Args:
        before: (bad, samples) of each earlier night.
        last: those of the last night.
    """
    nights = [(bad, samples) for bad, samples in before if samples]
    if not nights or not last[1]:
        return 1.0
    alike = correlation(nights)
    weights = [1.0 / (1.0 + (samples - 1) * alike) for _, samples in nights]
    worth = sum(weight * samples for weight, (_, samples) in zip(weights, nights, strict=True))
    seen = sum(weight * bad for weight, (bad, _) in zip(weights, nights, strict=True))
    mean = (seen + 0.5) / (worth + 1.0)
    spread = alike + (1.0 - alike) / (worth + 2.0)
    precision = 1.0 / spread - 1.0
    return beta_binomial_at_least(*last, mean * precision, (1.0 - mean) * precision)


def correlation(nights: Sequence[tuple[int, int]]) -> float:
    """The intra-night correlation: of the assumption and of the nights, each by its worth.

    From Pearson's statistic by the method of moments (D. A. Williams, "Extra-binomial variation in
    logistic linear models", Applied Statistics 31, 1982).
    """
    bad, samples = (sum(column) for column in zip(*nights, strict=True))
    degrees = len(nights) - 1
    seen = 0.0
    if degrees and 0 < bad < samples:
        mean = bad / samples
        pearson = sum((k - n * mean) ** 2 / (n * mean * (1.0 - mean)) for k, n in nights)
        reach = sum((n - 1) * (1.0 - n / samples) for _, n in nights)
        seen = min(1.0, max(0.0, (pearson - degrees) / reach)) if reach > 0 else 0.0
    return (PRIOR_NIGHTS * PRIOR_CORRELATION + degrees * seen) / (PRIOR_NIGHTS + degrees)


def level_rose(before: Sequence[float], last: float, offset: float) -> float:
    """How likely so long a time is if the last night is like those before: a p-value.

    Times are compared by their logarithms, against the median of the earlier nights and a spread
    that is robust: one bad night among them hides nothing.

    Args:
        before: seconds, of each earlier night.
        last: seconds, of the last night.
        offset: seconds that are added to each before the logarithm: differences well below it do
            not matter, and nothing at all (0 s) can be compared.
    """
    return logarithm_rose([math.log(value + offset) for value in before], math.log(last + offset))


def logarithm_rose(levels: Sequence[float], last: float) -> float:
    """:func:`level_rose` of what are logarithms already."""
    if not levels:
        return 1.0
    middle = median(levels)
    deviation = _MAD * median(abs(level - middle) for level in levels)
    worth = _MAD_EFFICIENCY * (len(levels) - 1)
    freedom = PRIOR_NIGHTS + worth
    variance = (PRIOR_NIGHTS * PRIOR_SPREAD**2 + worth * deviation**2) / freedom
    error = math.sqrt(variance * (1.0 + math.pi / (2 * len(levels))))  # a median is less sure than a mean
    return student_at_least((last - middle) / error, freedom)


def adjusted(chances: Sequence[float]) -> list[float]:
    """p-values for many comparisons at once; reject those up to q, and q bounds the share of false ones.

    Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate: a practical and powerful
    approach to multiple testing", Journal of the Royal Statistical Society B 57, 1995.
    """
    order = sorted(range(len(chances)), key=lambda index: chances[index], reverse=True)
    found = [1.0] * len(chances)
    least = 1.0
    for passed, index in enumerate(order):
        least = min(least, chances[index] * (len(chances) / (len(chances) - passed)))
        found[index] = least
    return found
