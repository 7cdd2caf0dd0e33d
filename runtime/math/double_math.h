// Elementary functions that are rare in networks, computed in double by series and rounded once to float:
// within 1 ulp, the same bits on every machine (no libm, no FMA). NaN, infinities and denormals are honoured.
#pragma once

namespace burin::rt::math {

double expDouble(double x);
double logDouble(double x);
double log1pDouble(double x); // x > -1
double expm1Double(double x);
double atanDouble(double x);

// x^y of two floats with IEEE 754's special cases.
float power(float x, float y);

float sine(float x); // any magnitude: the argument is reduced with 2/pi to 192 bits
float cosine(float x);
float tangent(float x);
float arcSine(float x);
float arcCosine(float x);
float arcTangent(float x);
float hyperbolicSine(float x);
float hyperbolicCosine(float x);
float inverseHyperbolicSine(float x);
float inverseHyperbolicCosine(float x);
float inverseHyperbolicTangent(float x);

// Exact remainder x - n * y with n = trunc(x / y): the sign of x.
float remainderOf(float x, float y);

} // namespace burin::rt::math
