"""The tests for a regression: is the last night worse by more than nights usually differ?

Nights differ by more than chance within a night: another machine, a noisy neighbour. Two or three nights
do not show how much. So both tests start from an assumed spread and learn from the nights as there are
more of them: the assumption weighs as much as :data:`PRIOR_NIGHTS` nights. This is the moderated test
of G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
microarray experiments", Statistical Applications in Genetics and Molecular Biology 3, 2004, with a prior
that is fixed instead of estimated. ``docs/trend.md`` has the measurements behind the constants.

The tail probabilities that the tests need come first; the standard library does not have them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median


def beta_binomial_at_least(bad: int, samples: int, a: float, b: float) -> float:
    """The probability of ``bad`` or more of ``samples``, if the share of each night is Beta(a, b).

    The sum is exact (J. G. Skellam, "A probability distribution derived from the binomial
    distribution by regarding the probability of success as variable between the sets of trials",
    Journal of the Royal Statistical Society B 10, 1948).

    Args:
        bad: how many requests were bad.
        samples: how many requests there were.
        a, b: the parameters of the distribution of the share, both positive.
    """
    if bad <= 0:
        return 1.0
    if bad > samples:
        return 0.0
    log_mass = (
        math.lgamma(samples + 1)
        - math.lgamma(bad + 1)
        - math.lgamma(samples - bad + 1)
        + _log_beta(bad + a, samples - bad + b)
        - _log_beta(a, b)
    )
    mass, total = math.exp(log_mass), 0.0
    for count in range(bad, samples + 1):
        total += mass
        if count < samples:
            mass *= (samples - count) / (count + 1) * (count + a) / (samples - count - 1 + b)
    return min(1.0, total)


def student_at_least(t: float, freedom: float) -> float:
    """The probability that Student's t with ``freedom`` degrees of freedom is ``t`` or more.

    By the incomplete beta function (NIST Digital Library of Mathematical Functions, 8.17).
    """
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    tail = 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))
    return tail if t >= 0 else 1.0 - tail


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function I_x(a, b), for 0 ≤ x ≤ 1.

    The continued fraction of DLMF 8.17.22, by Lentz's method (W. J. Lentz, "Generating Bessel
    functions in Mie scattering calculations using continued fractions", Applied Optics 15, 1976).
    """
    if x <= 0.0 or x >= 1.0:
        return min(1.0, max(0.0, x))
    # The fraction converges fast only up to here; beyond it, its mirror image does.
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)) / a
    c = 1.0
    d = 1.0 / _nonzero(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _nonzero(1.0 + term * d)
            c = _nonzero(1.0 + term / c)
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front * fraction


def _nonzero(value: float) -> float:
    """The value; if it is too close to zero to divide by, a tiny positive number."""
    return value if abs(value) > 1e-300 else 1e-300


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


PRIOR_NIGHTS = 8.0
"""The assumption about the spread weighs as much as so many nights."""
PRIOR_CORRELATION = 0.005
"""The assumed share of the variance that lies between nights: how alike the requests of one night are."""
PRIOR_SPREAD = 0.25
"""The assumed standard deviation of the logarithm of a time between nights: a quarter more or less."""
_DEVIATIONS_PER_MAD = 1.4826
"""Standard deviations per median absolute deviation (MAD), for normal errors."""
_MAD_EFFICIENCY = 0.37
"""The efficiency of the MAD as an estimate of the standard deviation (P. J. Rousseeuw and
C. Croux, "Alternatives to the median absolute deviation", JASA 88, 1993)."""


def share_rose(before: Sequence[tuple[int, int]], last: tuple[int, int]) -> float:
    """The p-value of so many bad requests, if the last night is like the nights before.

    The share of bad requests of a night follows a beta distribution, so the counts are beta-binomial. Its
    mean is that of the earlier nights, with half a bad request added. Its spread is the spread between
    nights, plus the uncertainty of a mean from few nights.

    Args:
        before: (bad, samples) of each earlier night.
        last: (bad, samples) of the last night.
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
    """The intra-night correlation: the weighted mean of the assumption and of what the nights show.

    The nights show it through Pearson's statistic by the method of moments (D. A. Williams,
    "Extra-binomial variation in logistic linear models", Applied Statistics 31, 1982).
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
    """The p-value of so long a time, if the last night is like the nights before.

    The test compares the logarithm of the time with the median of the earlier nights, by a robust
    spread. So one bad night among them does not hide a regression.

    Args:
        before: seconds, for each earlier night.
        last: seconds, for the last night.
        offset: seconds that are added to each time before the logarithm is taken. So differences well
            below the offset do not matter, and a time of 0 s can be compared.
    """
    return logarithm_rose([math.log(value + offset) for value in before], math.log(last + offset))


def logarithm_rose(levels: Sequence[float], last: float) -> float:
    """:func:`level_rose` for values that are logarithms already."""
    if not levels:
        return 1.0
    middle = median(levels)
    deviation = _DEVIATIONS_PER_MAD * median(abs(level - middle) for level in levels)
    worth = _MAD_EFFICIENCY * (len(levels) - 1)
    freedom = PRIOR_NIGHTS + worth
    variance = (PRIOR_NIGHTS * PRIOR_SPREAD**2 + worth * deviation**2) / freedom
    # A median is less certain than a mean, by the factor of pi / 2.
    error = math.sqrt(variance * (1.0 + math.pi / (2 * len(levels))))
    return student_at_least((last - middle) / error, freedom)


def adjusted(chances: Sequence[float]) -> list[float]:
    """The p-values adjusted for many comparisons at once.

    A caller that rejects all comparisons up to q has at most a share q of false rejections: Y. Benjamini and
    Y. Hochberg, "Controlling the false discovery rate: a practical and powerful approach to multiple
    testing", Journal of the Royal Statistical Society B 57, 1995.
    """
    order = sorted(range(len(chances)), key=lambda index: chances[index], reverse=True)
    found = [1.0] * len(chances)
    least = 1.0
    for passed, index in enumerate(order):
        least = min(least, chances[index] * (len(chances) / (len(chances) - passed)))
        found[index] = least
    return found
