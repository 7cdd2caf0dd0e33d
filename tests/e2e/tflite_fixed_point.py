"""The fixed-point arithmetic of TensorFlow Lite's reference kernels, written in numpy from its published formulas and
from nothing of ours: multipliers of 31 bits, the doubling high multiplication, shifts that round half away."""
import math

import numpy

INT32 = (-(1 << 31), (1 << 31) - 1)


def round_half_away(x):
    """Of real numbers. x + 0.5 could round up to the next integer, so the fraction is looked at."""
    x = numpy.asarray(x)
    whole = numpy.trunc(x)
    return whole + numpy.where(numpy.abs(x - whole) >= 0.5, numpy.sign(x), 0).astype(x.dtype)


def quantize_multiplier(real):
    """A real number as an integer in [2^30, 2^31) and a power of two that counts to the left."""
    real = float(real)
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = int(math.floor(abs(fraction) * 2.0 ** 31 + 0.5))
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    if shift < -31:
        return 0, 0
    return (multiplier if real > 0 else -multiplier), shift


def truncated_quotient(a, b):
    """Integer division as C has it; b > 0."""
    a = numpy.asarray(a, numpy.int64)
    return numpy.sign(a) * (numpy.abs(a) // b)


def doubling_high_multiply(a, b, bits=32):
    """Of 32-bit (16-bit) integers: twice their product's upper half, rounded to nearest, saturated."""
    product = numpy.asarray(a, numpy.int64) * numpy.asarray(b, numpy.int64)
    half = 1 << (bits - 2)
    result = truncated_quotient(product + numpy.where(product >= 0, half, 1 - half), 1 << (bits - 1))
    return numpy.minimum(result, (1 << (bits - 1)) - 1)


def rounding_shift(x, exponent):
    """x / 2^exponent, ties away from zero; the exponent may be an array."""
    x, exponent = numpy.asarray(x, numpy.int64), numpy.asarray(exponent, numpy.int64)
    mask = (numpy.int64(1) << exponent) - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0))


def saturated_left_shift(x, exponent, bits=32):
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return numpy.clip(numpy.asarray(x, numpy.int64) << exponent, low, high)


def multiply(x, multiplier, shift):
    """x * multiplier / 2^31 * 2^shift; multipliers and shifts may be arrays along the last axis."""
    left, right = numpy.maximum(shift, 0), numpy.maximum(numpy.negative(shift), 0)
    return rounding_shift(doubling_high_multiply(numpy.asarray(x, numpy.int64) << left, multiplier), right)


def multiply_wide(x, multiplier, shift):
    """The same for sums of 64 bits: the multiplier keeps 15 bits, and half a unit is added before the only shift."""
    short = numpy.minimum((numpy.asarray(multiplier, numpy.int64) + (1 << 15)) >> 16, (1 << 15) - 1)
    right = 15 - numpy.asarray(shift, numpy.int64)
    return (numpy.asarray(x, numpy.int64) * short + (numpy.int64(1) << (right - 1))) >> right


def multipliers(reals):
    pairs = [quantize_multiplier(r) for r in reals]
    return numpy.array([p[0] for p in pairs], numpy.int64), numpy.array([p[1] for p in pairs], numpy.int64)


# exp(-2^k) for k = -2..4 as fractions of 2^31.
_EXP_OF_POWERS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242]


def exp_of_negative(a):
    """exp(a / 2^26) * 2^31 for a <= 0: a polynomial for the part within a quarter, factors for the quarters."""
    a = numpy.asarray(a, numpy.int64)
    quarter = 1 << 24
    rest = (a & (quarter - 1)) - quarter
    x = saturated_left_shift(rest, 5) + (1 << 28)
    square = doubling_high_multiply(x, x)
    cube, fourth = doubling_high_multiply(square, x), doubling_high_multiply(square, square)
    sixth = doubling_high_multiply(rounding_shift(fourth, 2) + cube, 715827883)
    tail = rounding_shift(sixth + square, 1)
    result = 1895147668 + doubling_high_multiply(1895147668, x + tail)
    quarters = rest - a
    for k, factor in enumerate(_EXP_OF_POWERS):
        result = numpy.where(quarters & (quarter << k), doubling_high_multiply(result, factor), result)
    return numpy.where(a == 0, INT32[1], result)


def reciprocal_of_one_plus(a):
    """2^31 / (1 + a / 2^31) for a >= 0 by three steps of Newton's method."""
    half = truncated_quotient(a + INT32[1] + 1, 2)
    x = 1515870810 + doubling_high_multiply(half, -1010580540)
    for _ in range(3):
        error = (1 << 29) - doubling_high_multiply(half, x)
        x = x + saturated_left_shift(doubling_high_multiply(x, error), 2)
    return saturated_left_shift(x, 1)


def exp_of_negative16(a, integer_bits):
    """exp(a / 2^(15 - integer_bits)) * 2^15 for a <= 0: as above, in 16 bits and for any place of the point."""
    def product(x, y):
        return doubling_high_multiply(x, y, 16)

    def narrow(constant):
        return int(rounding_shift(constant, 16))

    a = numpy.asarray(a, numpy.int64)
    fraction = 15 - integer_bits
    quarter = 1 << (fraction - 2)
    rest = (a & (quarter - 1)) - quarter
    x = saturated_left_shift(rest, integer_bits, 16) + (1 << 12)
    square = product(x, x)
    sixth = product(rounding_shift(product(square, square), 2) + product(square, x), narrow(715827883))
    tail = rounding_shift(sixth + square, 1)
    top = narrow(1895147668)
    result = numpy.minimum(top + product(top, x + tail), (1 << 15) - 1)
    for k, factor in zip(range(-2, 5), _EXP_OF_POWERS):
        if integer_bits > k:
            result = numpy.where((rest - a) & (1 << (fraction + k)), product(result, narrow(factor)), result)
    if integer_bits > 5:
        result = numpy.where(a < -(32 << fraction), 0, result)
    return numpy.where(a == 0, (1 << 15) - 1, result)


def doubled_reciprocal16(a):
    """2 / (1 + a / 2^15) with two integer bits."""
    half = (a + (1 << 15)) // 2
    x = 23130 + doubling_high_multiply(half, -15420, 16)
    for _ in range(3):
        error = (1 << 13) - doubling_high_multiply(half, x, 16)
        x = x + saturated_left_shift(doubling_high_multiply(x, error, 16), 2, 16)
    return x


def sigmoid_q3(a):
    """Of numbers with three integer bits, as fractions of 2^15."""
    a = numpy.asarray(a, numpy.int64)
    positive = saturated_left_shift(doubled_reciprocal16(exp_of_negative16(-numpy.abs(a), 3)), 1, 16)
    return numpy.where(a == 0, 1 << 14, numpy.where(a > 0, positive, (1 << 15) - 1 - positive))


def tanh_q(a, integer_bits):
    """Of numbers with that many integer bits, as fractions of 2^15."""
    a = numpy.asarray(a, numpy.int64)
    exponential = exp_of_negative16(-numpy.abs(a), integer_bits + 1)
    return numpy.sign(a) * saturated_left_shift(doubled_reciprocal16(exponential) - (1 << 13), 2, 16)


def softmax(x, scale, beta, low):
    """Rows along the last axis; 8-bit results of scale 1/256 from `low`."""
    multiplier, shift = quantize_multiplier(min(float(beta) * float(scale) * 2.0 ** 26, 2.0 ** 31 - 1))
    least = -math.floor(31.0 * 2.0 ** 26 / 2.0 ** shift)
    difference = x - x.max(-1, keepdims=True)
    counts = difference >= least
    scaled = doubling_high_multiply(numpy.where(counts, difference, 0) << shift, multiplier)
    exponential = numpy.where(counts, exp_of_negative(scaled), 0)
    total = rounding_shift(exponential, 12).sum(-1, keepdims=True)
    assert total.max() <= INT32[1], "a row too long for the sum's 12 integer bits"
    zeros = numpy.array([32 - int(t).bit_length() for t in total.ravel()]).reshape(total.shape)
    reciprocal = reciprocal_of_one_plus((total << zeros) - (1 << 31))
    result = rounding_shift(doubling_high_multiply(reciprocal, exponential), 12 - zeros + 31 - 8)
    return numpy.clip(numpy.where(counts, result, 0) + low, low, low + 255)


def hard_swish(x, input_scale, output_scale):
    """x * relu6(x + 3) / 6 of centred values in 16 bits, before the zero point."""
    def short(real):
        multiplier, shift = quantize_multiplier(real)
        return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1), shift

    fine_scale = numpy.float32(1 / 128) * numpy.float32(input_scale)
    to_output, output_shift = short(fine_scale / numpy.float32(output_scale))
    to_unit, unit_shift = short(fine_scale / numpy.float32(3.0 / 32768))
    fine = numpy.asarray(x, numpy.int64) << 7
    line = doubling_high_multiply(fine, to_output, 16)
    ramp = saturated_left_shift(fine, unit_shift - 1, 16) if unit_shift > 0 else fine
    ramp = doubling_high_multiply(ramp, to_unit, 16)
    if unit_shift > 0:
        ramp = saturated_left_shift(ramp, 1, 16)
    elif unit_shift < 0:
        ramp = rounding_shift(ramp, -unit_shift)
    ramp = (ramp + (1 << 15)) >> 1
    product = numpy.minimum(truncated_quotient(ramp * line, 1 << 15), (1 << 15) - 1)
    assert output_shift <= 0, "the format needs scales with output_shift <= 0"
    return rounding_shift(product, -output_shift)


def pieces(function, low, high, steps=32768.0):
    """513 samples in `steps` of 1, each less half of what a straight line to the next one errs in its middle; computed in
    the type of the bounds."""
    real = type(low)
    step = (high - low) / real(512)
    x = low + numpy.arange(513).astype(real) * step
    x[512] = high
    y = function(x).astype(real) * real(steps)
    entry, middle = round_half_away(y), round_half_away(function(x[:-1] + step / real(2)).astype(real) * real(steps))
    excess = round_half_away((y[1:] + entry[:-1]) / real(2)) - middle
    entry[:-1] -= round_half_away(excess / real(2))
    return numpy.clip(entry, -32768, 32767).astype(numpy.int64)


def on_pieces(table, x):
    x = numpy.clip(x, -32768, 32767)
    place, way = 256 + (x >> 7), x & 127
    return table[place] + (((table[place + 1] - table[place]) * way + 64) >> 7)


def softmax16(x, scale, beta):
    """Rows of 16-bit values along the last axis; results in 2^-15."""
    step = quantize_multiplier(float(scale) * float(beta) / (10 / 65535))
    difference = multiply(x - x.max(-1, keepdims=True), *step)
    exponential = on_pieces(pieces(numpy.exp, numpy.float64(-10), numpy.float64(0)), difference + 32767)
    total = exponential.sum(-1, keepdims=True)
    assert total.max() <= INT32[1], "a row too long for its sum"
    zeros = numpy.array([32 - int(t).bit_length() for t in total.ravel()]).reshape(total.shape)
    share = ((total << (zeros - 1)) + (1 << 13)) >> 14
    reciprocal = on_pieces(pieces(lambda v: 1 / (1 + v), numpy.float64(0), numpy.float64(1)), share - (1 << 15) - (1 << 16))
    right = 31 - zeros
    return numpy.clip((exponential * reciprocal + (numpy.int64(1) << (right - 1))) >> right, 0, 32767)


def sigmoid16(x, scale, tanh):
    """LOGISTIC and TANH of 16-bit values: straight lines between 256 places of the logistic function, 1/24 apart."""
    left, step = round(math.log2(scale)) + 12, float(scale) * 3 * 4096
    factor, right = 3 << max(left, 0), 0
    if abs(math.log2(scale) - round(math.log2(scale))) >= 1e-3 or left not in ((0, 1) if tanh else (0,)):
        while step <= 32767 / 2 and right <= 30:
            step, right = step * 2, right + 1
        factor = int(step)
    at = lambda i: 65536 / (1 + numpy.exp(-i / 24))
    i = numpy.arange(256)
    table = numpy.floor(at(i) - ((at(i) + at(i + 1)) / 2 - at(i + 0.5)) / 2 + 0.5).astype(numpy.int64)
    table[255] = 65535
    argument = (numpy.asarray(x, numpy.int64) * factor + (1 << right >> 1)) >> right
    bits = 8 if tanh else 9
    place, way = numpy.abs(argument) >> bits, numpy.abs(argument) & ((1 << bits) - 1)
    inner = numpy.minimum(place, 254)
    y = (table[inner] << bits) + way * (table[inner + 1] - table[inner])
    if tanh:
        y = numpy.where(place >= 255, 0xFFFF << 8, y)
        return numpy.where(argument >= 0, y - (1 << 23) + 128, -y + (1 << 23) + 127) >> 8
    y = numpy.where(place >= 255, 0x7FFF << 10, y)
    return numpy.where(argument >= 0, y + 512, (1 << 25) - y + 511) >> 10


def leading_zeros(x):
    """Of 32-bit numbers that are not negative."""
    return numpy.array([32 - int(v).bit_length() for v in numpy.ravel(x)], numpy.int64).reshape(numpy.shape(x))


def natural_logarithm(a):
    """Of numbers >= 1 with 12 integer bits, with 5: a Pade approximant on a stretch of a factor of sqrt(2)."""
    a = numpy.asarray(a, numpy.int64)
    times = doubling_high_multiply
    root_half, fourth_root_half, quarter = 1518500250, 1805811301, 8388608
    one = leading_zeros(a)
    r_one = saturated_left_shift(times(saturated_left_shift(a, one - 1), root_half), 1)
    power_one = numpy.minimum(saturated_left_shift(12 - one, 25) + quarter, INT32[1])
    two = leading_zeros(times(a, root_half)) - 1
    r_two = saturated_left_shift(a, two)
    power_two = numpy.maximum(saturated_left_shift(12 - two, 25) - quarter, INT32[0])
    r, power = numpy.minimum(r_one, r_two), numpy.maximum(power_one, power_two)
    total = r + fourth_root_half
    p = truncated_quotient(total + numpy.where(total >= 0, 1, -1), 2)
    q = 2 * (r - fourth_root_half)
    square = times(q, q)
    numerator = times(q, r) + times(times(q, square), 117049297)
    denominator = times(p, 1057819769 + q + times(127690142, square)) + times(638450708, q)
    rest = times(rounding_shift(numerator, 6), reciprocal_of_one_plus(denominator))
    return saturated_left_shift(times(power, 1488522236) + rest, 1)


def log_softmax(x, scale, low):
    """Rows along the last axis; 8-bit results of scale 1/16, the highest stands for 0."""
    multiplier, shift = quantize_multiplier(min(float(scale) * 2.0 ** 26, 2.0 ** 31 - 1))
    back, back_shift = quantize_multiplier(float(1 << (31 - shift)) / multiplier)
    least = -math.floor(31.0 * 2.0 ** 26 / 2.0 ** shift)
    difference = x - x.max(-1, keepdims=True)
    counts = difference >= least
    scaled = doubling_high_multiply(numpy.where(counts, difference, 0) << shift, multiplier)
    total = rounding_shift(numpy.where(counts, exp_of_negative(scaled), 0), 12).sum(-1, keepdims=True)
    assert total.max() <= INT32[1], "a row too long for the sum's 12 integer bits"
    logarithm = natural_logarithm(total)
    bound = numpy.maximum(least - 1, multiply(logarithm + INT32[0], back, back_shift))
    result = rounding_shift(scaled - logarithm, 22) + low + 255
    return numpy.where(difference > bound, numpy.clip(result, low, low + 255), low)


def inverse_square_root(value):
    """A multiplier and a shift that counts to the right, by five steps of Newton's method from 1."""
    value = int(value)
    if value <= 1:
        return INT32[1], 0
    shift = 11
    while value >= 1 << 29:
        value, shift = value // 4, shift + 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    value, shift = value << (2 * pairs), shift - pairs
    times = doubling_high_multiply
    half, x = rounding_shift(value >> 1, 1), 1 << 28
    for _ in range(5):
        cube = saturated_left_shift(times(times(x, x), x), 6)
        x = saturated_left_shift(times((1 << 28) + (1 << 27), x) - times(half, cube), 3)
    x = int(times(x, 1518500250))
    return (x << -shift, 0) if shift < 0 else (x, shift)


def quotient(a, b, multiplier, shift):
    """a / b times a multiplier, b not 0, before the zero point."""
    a, b = numpy.where(b < 0, -a, a).astype(numpy.int64), numpy.abs(b).astype(numpy.int64)
    zeros = leading_zeros(b)
    inverse = reciprocal_of_one_plus((b << zeros) - (1 << 31))
    headroom = leading_zeros(numpy.where(a < 0, -a - 1, a)) - 1
    whole = doubling_high_multiply(a << headroom, inverse)
    return rounding_shift(doubling_high_multiply(whole, multiplier), (31 - zeros) + headroom - shift)
