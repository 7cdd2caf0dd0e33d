#include "lib/import/caffe/layer_context.h"

#include "lib/import/caffe/operators.h"
#include "lib/import/finite.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

namespace burin::caffe {

namespace {
// As protobuf's text form writes them: decimal, 0x.., a leading zero for octal; floats may end in f.
bool parse(const std::string& text, int64_t& value) {
  char* end = nullptr;
  errno = 0;
  value = std::strtoll(text.c_str(), &end, 0);
  return !text.empty() && *end == '\0' && errno == 0 && std::llabs(value) <= int64_t(1) << 32;
}

bool parse(const std::string& text, float& value) {
  char* end = nullptr;
  value = std::strtof(text.c_str(), &end);
  if (end != text.c_str() && (*end == 'f' || *end == 'F')) ++end;
  return !text.empty() && *end == '\0' && !std::isnan(value);
}

bool parse(const std::string& text, bool& value) {
  value = text == "true" || text == "t" || text == "True" || text == "1";
  return value || text == "false" || text == "f" || text == "False" || text == "0";
}
} // namespace

template <class T>
T Parameters::parsed(const char* field, const std::string& text) const {
  T value{};
  if (!parse(text, value)) {
    op_.invalid(fmt::format("{}.{} is '{}'", name_, field, text.substr(0, 60)));
    return T{};
  }
  return value;
}

int64_t Parameters::integer(const char* field, int64_t fallback) const {
  return has(field) ? parsed<int64_t>(field, message_.text(field)) : fallback;
}
float Parameters::real(const char* field, float fallback) const {
  return has(field) ? parsed<float>(field, message_.text(field)) : fallback;
}
bool Parameters::flag(const char* field, bool fallback) const {
  return has(field) ? parsed<bool>(field, message_.text(field)) : fallback;
}
Ints Parameters::integers(const char* field) const {
  Ints values;
  for (const std::string& text : message_.texts(field)) values.push_back(parsed<int64_t>(field, text));
  return values;
}
std::vector<float> Parameters::reals(const char* field) const {
  std::vector<float> values;
  for (const std::string& text : message_.texts(field)) values.push_back(parsed<float>(field, text));
  return values;
}

int Parameters::choice(const char* field, std::initializer_list<const char*> names, int fallback) const {
  if (!has(field)) return fallback;
  const std::string text = message_.text(field);
  int index = 0;
  for (const char* name : names) {
    if (text == name || text == std::to_string(index)) return index;
    ++index;
  }
  op_.unsupported(fmt::format("{}.{} is '{}'", name_, field, text.substr(0, 60)));
  return fallback;
}

LayerContext::LayerContext(RuleContext& context, const LayerRow& r, const Layer& l,
                           const Result<Weights>& weights)
    : op(context), row(r), layer(l), params(context, l.text->message(r.parameters), r.parameters),
      x(context.in(0)), weights_(weights) {}

const std::vector<Blob>* LayerContext::stored() const {
  return weights_ ? weights_->find(layer.name) : nullptr;
}

size_t LayerContext::blobCount() const {
  const std::vector<Blob>* blobs = stored();
  return blobs ? blobs->size() : 0;
}

Value LayerContext::blob(size_t index, const char* what, const Ints& shape, const char* filler) {
  if (op.failed()) return {};
  if (index >= blobCount()) return filled(what, shape, filler);
  const Blob& blob = (*stored())[index];
  int64_t elements = 1;
  rt::TensorType type;
  for (int64_t dim : shape) {
    type.shape.push(dim);
    if (__builtin_mul_overflow(elements, dim, &elements)) elements = -1;
  }
  if (elements != static_cast<int64_t>(blob.values.size())) {
    op.invalid(fmt::format("its {} have {} elements ({}) in the weights file, {} ({}) are needed", what,
                           blob.values.size(), dimsText(blob.dims), elements, dimsText(shape)),
               "give the .caffemodel that belongs to this .prototxt");
    return {};
  }
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char*>(blob.values.data()), blob.values.size() * 4);
  Value value = op.session().builder().constantView(type, bytes, blob.owner, layer.name + "/" + what);
  auto finite = checkFinite(value);
  if (finite || op.session().options().allowNonFinite) return value;
  op.fail(Error{finite.error().code,
                {},
                {},
                fmt::format("a value of its {} {}", what, finite.error().message),
                finite.error().remedy});
  return {};
}

namespace {
// Weights of a deconvolution that interpolates linearly, the same in every channel.
std::vector<float> bilinear(const Ints& shape) {
  const int64_t height = shape[2], width = shape[3];
  const float f = std::ceil(static_cast<float>(width) / 2);
  const float centre = (2 * f - 1 - static_cast<float>(static_cast<int64_t>(f) % 2)) / (2 * f);
  std::vector<float> values(static_cast<size_t>(shape[0] * shape[1] * height * width));
  for (size_t i = 0; i < values.size(); ++i) {
    float column = static_cast<float>(static_cast<int64_t>(i) % width);
    float line = static_cast<float>(static_cast<int64_t>(i) / width % height);
    values[i] = (1 - std::fabs(column / f - centre)) * (1 - std::fabs(line / f - centre));
  }
  return values;
}
} // namespace

Value LayerContext::filled(const char* what, const Ints& shape, const char* filler) {
  if (!weights_) {
    op.fail(weights_.error());
    return {};
  }
  Parameters rule = params.inner(filler ? filler : "");
  const std::string kind = layer.text->message(row.parameters).message(filler ? filler : "").text("type");
  double elements = 1;
  for (int64_t dim : shape) elements *= static_cast<double>(dim);
  if (elements <= static_cast<double>(int64_t(1) << 24)) {
    if (kind == "constant")
      return op.constant(std::vector<float>(static_cast<size_t>(elements), rule.real("value")), shape);
    if (kind == "bilinear" && shape.size() == 4 && shape[2] == shape[3])
      return op.constant(bilinear(shape), shape);
  }
  op.invalid(blobCount() ? fmt::format("the weights file has no {} for it", what)
                         : std::string("the weights file has no layer of this name"),
             "give the .caffemodel that belongs to this .prototxt");
  return {};
}

} // namespace burin::caffe
