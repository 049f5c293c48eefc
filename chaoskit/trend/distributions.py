"""Tail probabilities that the standard library does not have."""

from __future__ import annotations

import math


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
