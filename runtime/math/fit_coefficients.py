#!/usr/bin/env python3
"""The minimax fits behind the coefficients of float_math.h (needs numpy and scipy; not part of the build).

Each fit is a least-squares fit at Chebyshev points whose weights are multiplied by the error again and again
(Lawson), which converges to the smallest maximal error; the rational one linearises the denominator
(Sanathanan and Koerner)."""
import numpy as np
from scipy.special import erf


def chebyshev_points(low, high, count):
    angle = np.pi * (2 * np.arange(count) + 1) / (2 * count)
    return (low + high) / 2 + (high - low) / 2 * np.cos(angle)


def fit_polynomial(x, y, weight, degree, rounds=60):
    lawson = np.ones(len(x))
    powers = np.vander(x, degree + 1, increasing=True)
    for _ in range(rounds):
        scale = weight * np.sqrt(lawson)
        coefficients = np.linalg.lstsq(powers * scale[:, None], y * scale, rcond=None)[0]
        error = np.abs((powers @ coefficients - y) * weight)
        lawson *= error / error.mean() + 1e-3
        lawson /= lawson.sum()
    return coefficients, error.max()


def fit_rational(x, y, degree, rounds=200):
    """y = P(z) / Q(z), z = x^2, Q(0) = 1, both of one degree; smallest relative error."""
    z = x * x
    top = z.max()
    powers = np.vander(z / top, degree + 1, increasing=True)
    lawson, denominator, best = np.ones(len(x)), np.ones(len(x)), None
    for _ in range(rounds):
        scale = np.sqrt(lawson) / (y * denominator)
        matrix = np.hstack([powers, -y[:, None] * powers[:, 1:]])
        c = np.linalg.lstsq(matrix * scale[:, None], y * scale, rcond=None)[0]
        denominator = 1 + powers[:, 1:] @ c[degree + 1:]
        error = np.abs(powers @ c[:degree + 1] / denominator / y - 1)
        if best is None or error.max() < best[0]:
            best = error.max(), c.copy()
        lawson *= error / error.mean() + 0.05
        lawson /= lawson.sum()
    error, c = best
    falling = top ** np.arange(degree + 1)
    return c[:degree + 1] / falling, np.r_[1, c[degree + 1:]] / falling, error


def show(name, coefficients, error):
    print(name, "error", error, [repr(np.float32(c)) for c in coefficients])


half_log_2 = np.log(2) / 2 * 1.01
x = chebyshev_points(-half_log_2, half_log_2, 2000).astype(np.longdouble)
x = x[np.abs(x) > 1e-4]
y = ((np.expm1(x) - x) / x**2).astype(float)
show("exp: (e^r - 1 - r) / r^2", *fit_polynomial(x.astype(float), y, np.abs(x.astype(float)) ** 2, 5))

x = chebyshev_points(0.5**0.5 - 1.001, 2**0.5 - 0.999, 4000).astype(np.longdouble)
x = x[np.abs(x) > 2e-3]
y = ((np.log1p(x) - x + x * x / 2) / x**3).astype(float)
show("log: (log(1 + f) - f + f^2/2) / f^3",
     *fit_polynomial(x.astype(float), y, np.abs(x**3 / np.log1p(x)).astype(float), 8))

x = chebyshev_points(0, 3.93, 3000)
x = x[x > 1e-3]
numerator, denominator, error = fit_rational(x, erf(x) / x, 5)
show("erf: P", numerator, error)
show("erf: Q", denominator, error)
