// Fourier transforms as matrix products, windows, mel filters.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include "runtime/math/double_math.h"

#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace burin::onnx {

namespace {
constexpr int64_t kMaxTransform = 4096;
constexpr int64_t kMaxMatrix = int64_t(1) << 25; // elements of the transform's matrix

struct Turn {
  float cosine, sine;
};

// cos and sin of 2 pi k / n, 0 <= k < n. The angle is reduced to the first octant in integers, so that zeros
// are exact and symmetric entries cancel.
Turn turnOf(int64_t k, int64_t n) {
  if (2 * k > n) {
    Turn t = turnOf(n - k, n);
    return {t.cosine, -t.sine};
  }
  if (4 * k > n) {
    // cos(pi - a) = -cos(a); pi - 2 pi k / n = 2 pi (n - 2 k) / 2 n
    Turn t = turnOf(n - 2 * k, 2 * n);
    return {-t.cosine, t.sine};
  }
  if (8 * k > n) {
    // cos(pi/2 - a) = sin(a); pi/2 - 2 pi k / n = 2 pi (n - 4 k) / 4 n
    Turn t = turnOf(n - 4 * k, 4 * n);
    return {t.sine, t.cosine};
  }
  auto angle = static_cast<float>(2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  return {rt::math::cosine(angle), rt::math::sine(angle)};
}

struct Transform {
  int64_t length; // of the transform; the signal is cut or padded to it
  int64_t bins;   // of the result
  bool isComplex; // of the signal
  bool inverse;
};

// [length * parts, bins * 2]: row (t, part), column (k, real or imaginary) of exp(-+ 2 pi i k t / n).
Value transformMatrix(NodeContext& c, const Transform& t) {
  int64_t parts = t.isComplex ? 2 : 1, columns = t.bins * 2;
  if (t.length * parts * columns > kMaxMatrix) {
    c.unsupported(fmt::format("a transform of {} values is too big", t.length));
    return {};
  }
  std::vector<Turn> turns;
  for (int64_t k = 0; k < t.length; ++k) turns.push_back(turnOf(k, t.length));
  std::vector<float> m(static_cast<size_t>(t.length * parts * columns));
  float factor = t.inverse ? 1.0f / static_cast<float>(t.length) : 1.0f, direction = t.inverse ? 1.0f : -1.0f;
  for (int64_t i = 0; i < t.length; ++i)
    for (int64_t k = 0; k < t.bins; ++k) {
      Turn angle = turns[static_cast<size_t>(i * k % t.length)];
      float re = angle.cosine * factor, im = direction * angle.sine * factor;
      float* row = m.data() + i * parts * columns + 2 * k;
      row[0] = re, row[1] = im;
      if (t.isComplex) row[columns] = -im, row[columns + 1] = re;
    }
  return c.constant(m, {t.length * parts, columns});
}

// x [..., n, parts] -> [..., bins, 2].
Value transformLast(NodeContext& c, Value x, const Transform& t) {
  Ints dims = NodeContext::dims(x);
  Ints flat(dims.begin(), dims.end() - 2), result = flat;
  flat.push_back(dims[dims.size() - 2] * dims.back());
  result.insert(result.end(), {t.bins, 2});
  return c.reshape(c.matmul(c.reshape(x, flat), transformMatrix(c, t)), result);
}

bool checkLength(NodeContext& c, int64_t length) {
  if (length >= 1 && length <= kMaxTransform) return true;
  c.unsupported(
      fmt::format("a transform of {} values is not supported, at most {} are", length, kMaxTransform));
  return false;
}

// Pads with zeros or cuts `axis` to `length`.
Value fitLength(NodeContext& c, Value x, int64_t axis, int64_t length) {
  int64_t have = NodeContext::shape(x)[static_cast<int>(axis)];
  if (have >= length) return have == length ? x : c.slice(x, axis, 0, length);
  Ints pads(static_cast<size_t>(2 * NodeContext::rank(x)), 0);
  pads[static_cast<size_t>(axis + NodeContext::rank(x))] = length - have;
  return c.emit("pad", {x}, c.attrs().ints("pads", pads).s("mode", "constant").f("value", 0));
}

// [..., 1 or 2 parts]; the axis is an attribute before opset 20.
void importDft(NodeContext& c) {
  Value x = c.in(0);
  int64_t rank = NodeContext::rank(x), parts = rank ? NodeContext::shape(x)[static_cast<int>(rank - 1)] : 0,
          given = -2;
  if (rank < 2 || parts < 1 || parts > 2)
    return c.invalid("its last axis does not hold real, or real and imaginary parts");
  if (c.opset() < 20)
    given = c.integer("axis", 1);
  else if (c.has(2))
    given = c.constantInt(2, "axis").value_or(0);
  int64_t axis = c.axis(given, rank);
  if (!c.failed() && axis == rank - 1) return c.invalid("its axis is the one of the parts");
  int64_t length = NodeContext::shape(x)[static_cast<int>(axis)];
  if (c.has(1)) length = c.constantInt(1, "dft_length").value_or(0);
  if (c.failed() || !checkLength(c, length)) return;
  bool onesided = c.flag("onesided");
  if (onesided && c.flag("inverse")) return c.unsupported("onesided inverse transforms are not supported");
  Ints toEnd; // the transformed axis next to the parts
  for (int64_t i = 0; i < rank - 1; ++i)
    if (i != axis) toEnd.push_back(i);
  toEnd.insert(toEnd.end(), {axis, rank - 1});
  x = c.transpose(fitLength(c, x, axis, length), toEnd);
  if (!x) return;
  Value y = transformLast(c, x, {length, onesided ? length / 2 + 1 : length, parts == 2, c.flag("inverse")});
  c.set(0, c.transpose(y, inverse(toEnd)));
}

// signal [B, L] or [B, L, parts], frame_step, window, frame_length -> [B, frames, bins, 2].
void importStft(NodeContext& c) {
  Value signal = c.in(0);
  if (NodeContext::rank(signal) == 2) signal = c.unsqueeze(signal, 2);
  Ints dims = NodeContext::dims(signal);
  if (dims.size() != 3 || dims[2] < 1 || dims[2] > 2)
    return c.invalid("its signal is not [batch, length, parts]");
  auto step = c.constantInt(1, "frame_step");
  if (!step) return;
  int64_t length = c.has(2) && NodeContext::rank(c.in(2)) == 1 ? NodeContext::shape(c.in(2))[0] : 0;
  if (c.has(3)) length = c.constantInt(3, "frame_length").value_or(0);
  if (c.failed() || !checkLength(c, length)) return;
  if (*step < 1 || dims[1] < length || (dims[1] - length) / *step >= int64_t(1) << 20)
    return c.invalid("its frames do not fit into the signal");
  int64_t frames = (dims[1] - length) / *step + 1;
  if (frames * length > int64_t(1) << 22) return c.unsupported("the signal is too long");
  Ints index;
  for (int64_t f = 0; f < frames; ++f)
    for (int64_t t = 0; t < length; ++t) index.push_back(f * *step + t);
  Value framed = c.gather(signal, c.reshape(c.constant(index), {frames, length}), 1);
  if (c.has(2)) framed = c.mul(framed, c.reshape(c.in(2), {length, 1}));
  if (!framed) return;
  bool onesided = c.flag("onesided", true);
  c.set(0, transformLast(c, framed, {length, onesided ? length / 2 + 1 : length, dims[2] == 2, false}));
}

// a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n), n one less for a symmetric window.
void importWindow(NodeContext& c) {
  struct Coefficients {
    const char* name;
    float a0, a1, a2;
  };
  static constexpr Coefficients kWindows[] = {{"HannWindow", 0.5f, 0.5f, 0},
                                              {"HammingWindow", 25.0f / 46.0f, 1 - 25.0f / 46.0f, 0},
                                              {"BlackmanWindow", 0.42f, 0.5f, 0.08f}};
  auto size = c.constantInt(0, "size");
  if (!size) return;
  if (*size < 1 || *size > 1 << 20) return c.invalid(fmt::format("its size is {}", *size));
  auto type = elementType(static_cast<int32_t>(c.integer("output_datatype", onnxpb::TensorProto::FLOAT)));
  if (!type) return c.fail(type.error());
  int64_t n = c.flag("periodic", true) ? *size : std::max<int64_t>(*size - 1, 1);
  std::vector<float> values;
  for (const Coefficients& w : kWindows)
    for (int64_t i = 0; i < *size && c.type() == w.name; ++i)
      values.push_back(w.a0 - w.a1 * turnOf(i % n, n).cosine + w.a2 * turnOf(2 * i % n, n).cosine);
  c.set(0, c.cast(c.constant(values, {*size}), *type));
}

double hertzToMel(double hertz) {
  return 2595.0 * rt::math::logDouble(1 + hertz / 700.0) / std::numbers::ln10;
}
double melToHertz(double mel) { return 700.0 * (rt::math::expDouble(mel / 2595.0 * std::numbers::ln10) - 1); }

// Triangular filters, evenly spaced on the mel scale, as the specification's reference builds them.
void importMelWeightMatrix(NodeContext& c) {
  auto bins = c.constantInt(0, "num_mel_bins"), length = c.constantInt(1, "dft_length"),
       rate = c.constantInt(2, "sample_rate");
  auto low = c.constantFloat(3, "lower_edge_hertz"), high = c.constantFloat(4, "upper_edge_hertz");
  if (!bins || !length || !rate || !low || !high) return;
  if (*bins < 1 || *bins > 1024 || *length < 1 || *length > 1 << 16 || *rate < 1 || !(*low >= 0) ||
      !(*high < 1e9f) || !(*low <= *high))
    return c.invalid("its parameters are out of range");
  int64_t rows = *length / 2 + 1;
  double lowMel = hertzToMel(*low), step = (hertzToMel(*high) - lowMel) / static_cast<double>(*bins + 2);
  Ints edges;
  for (int64_t i = 0; i < *bins + 2; ++i) {
    double hertz = melToHertz(static_cast<double>(i) * step + lowMel);
    edges.push_back(static_cast<int64_t>(
        std::floor(static_cast<double>(*length + 1) * hertz / static_cast<double>(*rate))));
  }
  std::vector<float> weights(static_cast<size_t>(rows * *bins), 0.0f);
  auto at = [&](int64_t row, int64_t column) -> float& {
    return weights[static_cast<size_t>(row * *bins + column)];
  };
  for (int64_t i = 0; i < *bins; ++i) {
    int64_t from = edges[static_cast<size_t>(i)], centre = edges[static_cast<size_t>(i + 1)],
            to = edges[static_cast<size_t>(i + 2)];
    if (to > rows) return c.invalid("its upper edge lies above half the sample rate");
    if (centre == from && centre < rows) at(centre, i) = 1;
    for (int64_t j = from; j <= centre && centre > from && j < rows; ++j)
      at(j, i) = static_cast<float>(j - from) / static_cast<float>(centre - from);
    for (int64_t j = centre; j < to; ++j)
      at(j, i) = static_cast<float>(to - j) / static_cast<float>(to - centre);
  }
  auto type = elementType(static_cast<int32_t>(c.integer("output_datatype", onnxpb::TensorProto::FLOAT)));
  if (!type) return c.fail(type.error());
  c.set(0, c.cast(c.constant(weights, {rows, *bins}), *type));
}

const OperatorRow kRows[] = {
    {"DFT", importDft, 1, 3},
    {"STFT", importStft, 2, 4},
    {"HannWindow", importWindow, 1, 1},
    {"HammingWindow", importWindow, 1, 1},
    {"BlackmanWindow", importWindow, 1, 1},
    {"MelWeightMatrix", importMelWeightMatrix, 5, 5},
};
} // namespace

const OperatorTable<OperatorRow> kSignalOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
