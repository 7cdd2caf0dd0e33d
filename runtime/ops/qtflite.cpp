// qnn.softmax [SOFTMAX-TFLITE] [LOGSOFTMAX-TFLITE], qnn.l2_normalize [L2-TFLITE] and qnn.resize
// [RESIZE-TFLITE]: operators in TensorFlow Lite's fixed point. Attributes beside those of nn.softmax: `beta`,
// a factor of the operand, default 1. qnn.l2_normalize has an axis. qnn.resize has the attributes of
// nn.resize, of which it takes linear ones along height and width.
#include "runtime/numerics/normalize_tflite.h"
#include "runtime/numerics/quantize.h"
#include "runtime/numerics/resize_tflite.h"
#include "runtime/numerics/softmax.h"
#include "runtime/ops/axis_lines.h"
#include "runtime/ops/quantize_ops.h"
#include "runtime/ops/resize_ops.h"

#include <limits>
#include <type_traits>

namespace burin::rt {

namespace {
bool checkStored(const TensorType& x, std::string& error) {
  if (x.dtype == DType::I8 || x.dtype == DType::U8 || x.dtype == DType::I16) return true;
  return reject(error, std::string("the operand is ") + dtypeName(x.dtype) +
                           "; 8 bit or signed 16 bit integers are needed");
}

// The logarithm and the norm have no rule for 16 bits.
bool checkBytes(const TensorType& x, std::string& error) {
  if (x.dtype == DType::I8 || x.dtype == DType::U8) return true;
  return reject(error, std::string("the operand is ") + dtypeName(x.dtype) + "; 8 bit integers are needed");
}

bool inferQSoftmax(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkStored(*signature.input(0), error) ||
      !checkAxis(signature, "axis", signature.input(0)->shape.rank, error))
    return false;
  if (signature.attrs.integer("log") && !checkBytes(*signature.input(0), error)) return false;
  const float beta = signature.attrs.real("beta", 1.0f);
  if (!(beta > 0 && beta <= 1e30f)) return reject(error, "beta is not a positive number");
  results = {*signature.input(0)};
  return true;
}

bool inferQNormalize(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkBytes(*signature.input(0), error) ||
      !checkAxis(signature, "axis", signature.input(0)->shape.rank, error))
    return false;
  results = {*signature.input(0)};
  return true;
}

// The result has the scale 1 / denominator and the zero point `above` the lowest integer.
template <class T>
bool checkResult(const Tensor& y, int denominator, int above, std::string& error) {
  const int zeroPoint = above + std::numeric_limits<T>::min();
  if (y.scale() == 1.0f / static_cast<float>(denominator) && y.zeroPoint() == zeroPoint) return true;
  return reject(error, "the result needs the scale 1/" + std::to_string(denominator) +
                           " and the zero point " + std::to_string(zeroPoint));
}

template <class T>
class Softmax {
public:
  bool prepare(const Node& node, std::string& error) {
    logarithm_ = node.attrs.integer("log") != 0;
    const bool known = sizeof(T) == 2 ? checkResult<T>(node.out(), 32768, 32768, error)
                       : logarithm_   ? checkResult<T>(node.out(), 16, 255, error)
                                      : checkResult<T>(node.out(), 256, 0, error);
    if (!known) return false;
    const double beta = static_cast<double>(node.attrs.real("beta", 1.0f));
    const EncodeStatus status = encodeSoftmax(beta, node.in(0).scale(), parameters_);
    return status == EncodeStatus::Ok ||
           reject(error, std::string("the operand's scale ") + describe(status));
  }
  void line(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count) const {
    if constexpr (sizeof(T) == 1)
      if (logarithm_) return logSoftmaxTflite(x, stepX, y, stepY, count, parameters_);
    softmaxTflite(x, stepX, y, stepY, count, parameters_);
  }

private:
  bool logarithm_ = false;
  std::conditional_t<sizeof(T) == 1, SoftmaxParameters, Softmax16Parameters> parameters_;
};

template <class T>
class Normalize {
public:
  bool prepare(const Node& node, std::string& error) {
    zeroPoint_ = node.in(0).zeroPoint();
    return checkResult<T>(node.out(), 128, 128, error);
  }
  void line(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count) const {
    l2NormalizeTflite(x, stepX, y, stepY, count, zeroPoint_);
  }

private:
  int32_t zeroPoint_ = 0;
};

// The lines along an axis by a rule, which is prepared for the node and computes one line.
template <class T, class Rule>
class QLines final : public Kernel {
public:
  explicit QLines(const Node& node) : node_(node), lines_(node) {}

  bool prepare(std::string& error) { return rule_.prepare(node_, error); }

  void run(Context& context) override {
    if (lines_.length == 0) return;
    const T* x = node_.in(0).as<const T>();
    T* y = node_.out().as<T>();
    context.pool.parallelFor(lines_.walk.elements(), lines_.grain(2048),
                             [&](int64_t begin, int64_t end, int) {
                               lines_.walk.forEach(begin, end, [&](const int64_t* at) {
                                 rule_.line(x + at[0], lines_.stepX, y + at[1], lines_.stepY, lines_.length);
                               });
                             });
  }

private:
  const Node& node_;
  AxisLines lines_;
  Rule rule_;
};

template <class T, class Rule>
std::unique_ptr<Kernel> makeLinesOf(const Node& node, std::string& error) {
  auto kernel = std::make_unique<QLines<T, Rule>>(node);
  if (!kernel->prepare(error)) return nullptr;
  return kernel;
}

bool checkLines(const Node& node, std::string& error) {
  const Tensor &x = node.in(0), &y = node.out();
  if (!checkQuantized(x, "the operand", true, error) || !checkQuantized(y, "the result", true, error))
    return false;
  return x.dtype() == y.dtype() || reject(error, "operand and result need one element type");
}

std::unique_ptr<Kernel> makeQSoftmax(const Node& node, const KernelConfig&, std::string& error) {
  if (!checkLines(node, error)) return nullptr;
  const DType dtype = node.in(0).dtype();
  if (dtype == DType::I8) return makeLinesOf<int8_t, Softmax<int8_t>>(node, error);
  if (dtype == DType::I16) return makeLinesOf<int16_t, Softmax<int16_t>>(node, error);
  return makeLinesOf<uint8_t, Softmax<uint8_t>>(node, error);
}

std::unique_ptr<Kernel> makeQNormalize(const Node& node, const KernelConfig&, std::string& error) {
  if (!checkLines(node, error)) return nullptr;
  if (node.in(0).dtype() == DType::I8) return makeLinesOf<int8_t, Normalize<int8_t>>(node, error);
  return makeLinesOf<uint8_t, Normalize<uint8_t>>(node, error);
}

bool inferQResize(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!inferResize(signature, results, error) || !checkStored(*signature.input(0), error)) return false;
  const Shape &x = signature.input(0)->shape, &y = results[0].shape;
  const Attrs& attrs = signature.attrs;
  if (x.rank != 4 || x[0] != y[0] || x[1] != y[1])
    return reject(error, "integers are resampled along height and width");
  if (attrs.text("mode") != "linear" || attrs.integer("antialias") ||
      !isOneOf(attrs.text("coordinate"), "asymmetric half_pixel align_corners"))
    return reject(error, "this kind of resampling has no integer rule");
  return true;
}

ResizeGrid gridOf(const Attrs& attrs) {
  const std::string& coordinate = attrs.text("coordinate");
  return coordinate == "align_corners" ? ResizeGrid::AlignCorners
         : coordinate == "half_pixel"  ? ResizeGrid::HalfPixel
                                       : ResizeGrid::Asymmetric;
}

template <class T>
auto neighbours(ResizeGrid grid, int64_t input, int64_t output, int64_t place) {
  if constexpr (std::is_signed_v<T>)
    return resizeNeighboursInteger(grid, input, output, place);
  else
    return resizeNeighboursFloat(grid, input, output, place);
}

template <class T>
class QResize final : public Kernel {
public:
  explicit QResize(const Node& node) : node_(node) {
    const ResizeGrid grid = gridOf(node.attrs);
    const Shape &x = node.in(0).shape(), &y = node.out().shape();
    if (y.elements() == 0) return;
    for (int64_t i = 0; i < y[2]; ++i) rows_.push_back(neighbours<T>(grid, x[2], y[2], i));
    for (int64_t i = 0; i < y[3]; ++i) columns_.push_back(neighbours<T>(grid, x[3], y[3], i));
  }

  void run(Context& context) override {
    const Shape& y = node_.out().shape();
    if (y.elements() == 0) return;
    context.pool.parallelFor(y[0] * y[2], 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) row(i / y[2], i % y[2]);
    });
  }

private:
  void row(int64_t picture, int64_t place) const {
    const Tensor &x = node_.in(0), &y = node_.out();
    const auto& r = rows_[static_cast<size_t>(place)];
    const T* from = x.as<const T>() + picture * x.stride[0];
    const T *low = from + r.low * x.stride[2], *high = from + r.high * x.stride[2];
    T* to = y.as<T>() + picture * y.stride[0] + place * y.stride[2];
    for (size_t i = 0; i < columns_.size(); ++i, to += y.stride[3]) {
      const auto& c = columns_[i];
      const int64_t left = c.low * x.stride[3], right = c.high * x.stride[3];
      for (int64_t channel = 0; channel < y.shape()[1]; ++channel) {
        const int64_t at = channel * x.stride[1];
        to[channel * y.stride[1]] = resizeTflite(
            {low[left + at], high[left + at], low[right + at], high[right + at]}, r.weight, c.weight);
      }
    }
  }

  using Neighbours = decltype(neighbours<T>(ResizeGrid::Asymmetric, 1, 1, 0));
  const Node& node_;
  std::vector<Neighbours> rows_, columns_;
};

std::unique_ptr<Kernel> makeQResize(const Node& node, const KernelConfig&, std::string& error) {
  const Tensor &x = node.in(0), &y = node.out();
  if (!checkQuantized(x, "the operand", true, error) || !checkQuantized(y, "the result", true, error))
    return nullptr;
  if (x.dtype() != y.dtype() || x.scale() != y.scale() || x.zeroPoint() != y.zeroPoint())
    return reject(error, "operand and result need one scale and zero point"), nullptr;
  if (x.dtype() == DType::I8) return std::make_unique<QResize<int8_t>>(node);
  if (x.dtype() == DType::I16) return std::make_unique<QResize<int16_t>>(node);
  return std::make_unique<QResize<uint8_t>>(node);
}
} // namespace

static const OpDef kOps[] = {
    {"qnn.softmax", inferQSoftmax, makeQSoftmax},
    {"qnn.l2_normalize", inferQNormalize, makeQNormalize},
    {"qnn.resize", inferQResize, makeQResize},
};
extern const OpTable kQTfliteOps;
const OpTable kQTfliteOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
