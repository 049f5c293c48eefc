"""Tail probabilities that the standard library does not have.

Is the last night worse than the nights before it, by more than nights differ anyway?

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


def beta_binomial_at_least(bad: int, samples: int, a: float, b: float) -> float:
    """The probability of ``bad`` or more of ``samples``, where the share of each night is Beta(a, b).

    Summed exactly (J. G. Skellam, "A probability distribution derived from the binomial
    distribution by regarding the probability of success as variable between the sets of trials",
    Journal of the Royal Statistical Society B 10, 1948).

    Args:
        bad: the count.
        samples: the requests.
        a, b: the parameters of the night's share, both positive.
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
    if x > (a + 1.0) / (a + b + 2.0):  # the fraction converges fast on the other side only
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - _log_beta(a, b)) / a
    c = 1.0
    d = 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front * fraction


def _away(value: float) -> float:
    """Not zero, so that it can be divided by."""
    return value if abs(value) > 1e-300 else 1e-300


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


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
