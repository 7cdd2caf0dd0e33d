// Tensors made from parameters alone: ranges, identities.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
constexpr int64_t kMaxGenerated = int64_t(1) << 24;

// ceil((limit - start) / delta) values from start on.
void importRange(NodeContext& c) {
  rt::DType type = NodeContext::dtype(c.in(0));
  if (!rt::isFloat(type)) {
    auto start = c.constantInt(0, "start"), limit = c.constantInt(1, "limit"),
         delta = c.constantInt(2, "delta");
    if (!start || !limit || !delta) return;
    if (*delta == 0) return c.invalid("its delta is 0");
    double count =
        std::ceil((static_cast<double>(*limit) - static_cast<double>(*start)) / static_cast<double>(*delta));
    if (count > static_cast<double>(kMaxGenerated))
      return c.unsupported(fmt::format("a range of {} values is not supported", count));
    Ints values;
    for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
      values.push_back(static_cast<int64_t>(static_cast<uint64_t>(*start) +
                                            static_cast<uint64_t>(i) * static_cast<uint64_t>(*delta)));
    return c.set(0, c.cast(c.constant(values), type));
  }
  auto start = c.constantFloat(0, "start"), limit = c.constantFloat(1, "limit"),
       delta = c.constantFloat(2, "delta");
  if (!start || !limit || !delta) return;
  double count =
      std::ceil((static_cast<double>(*limit) - static_cast<double>(*start)) / static_cast<double>(*delta));
  if (!(count <= static_cast<double>(kMaxGenerated)))
    return c.unsupported(fmt::format("a range of {} values is not supported", count));
  std::vector<float> values;
  for (int64_t i = 0; i < static_cast<int64_t>(std::max(count, 0.0)); ++i)
    values.push_back(static_cast<float>(static_cast<double>(*start) +
                                        static_cast<double>(i) * static_cast<double>(*delta)));
  c.set(0, c.cast(c.constant(values, {static_cast<int64_t>(values.size())}), type));
}

void importEyeLike(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  if (dims.size() != 2 || dims[0] < 0 || (dims[1] && dims[0] > kMaxGenerated / dims[1]))
    return c.invalid("its input is not a matrix of reasonable size");
  rt::DType type = NodeContext::dtype(c.in(0));
  if (c.hasAttribute("dtype")) {
    auto given = elementType(static_cast<int32_t>(c.integer("dtype")));
    if (!given) return c.fail(given.error());
    type = *given;
  }
  int64_t k = c.integer("k");
  std::vector<float> values(static_cast<size_t>(dims[0] * dims[1]), 0.0f);
  for (int64_t row = std::max<int64_t>(0, k < -dims[0] ? dims[0] : -k);
       row < dims[0] && k < dims[1] && row + k < dims[1]; ++row)
    values[static_cast<size_t>(row * dims[1] + row + k)] = 1.0f;
  c.set(0, c.cast(c.constant(values, dims), type));
}

const OperatorRow kRows[] = {
    {"Range", importRange, 3, 3},
    {"EyeLike", importEyeLike, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kGeneratorOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
