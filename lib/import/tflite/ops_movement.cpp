// Operators that move data.
#include "lib/import/tflite/operators.h"

#include <fmt/format.h>

namespace burin::tflite {

namespace {
int64_t product(const Ints& values) {
  int64_t result = 1;
  for (int64_t v : values) result *= v;
  return result;
}

Ints toInts(const flatbuffers::Vector<int32_t>* stored) {
  return stored ? Ints(stored->begin(), stored->end()) : Ints();
}

// The second input, or the options of old files; one entry may be -1.
void importReshape(NodeContext& c) {
  Ints shape = toInts(c.options<tfl::ReshapeOptions>().new_shape());
  if (c.has(1)) {
    auto given = c.constantInts(1, "shape");
    if (!given) return;
    shape = *given;
  }
  Ints from = NodeContext::dims(c.in(0));
  int64_t known = 1, *open = nullptr;
  for (int64_t& d : shape) {
    if (d < -1 || d > (int64_t(1) << 40) || (d == -1 && open))
      return c.invalid(fmt::format("its shape is {}", dimsText(shape)));
    if (d == -1)
      open = &d;
    else if (d > 0 && known > (int64_t(1) << 40) / d)
      return c.invalid(fmt::format("its shape is {}", dimsText(shape)));
    else
      known *= d;
  }
  if (open) *open = known > 0 ? product(from) / known : 0;
  if (product(shape) != product(from))
    return c.invalid(fmt::format("{} cannot become {}", dimsText(from), dimsText(shape)),
                     "with --input-shapes, shapes that the file fixes stay as they are");
  c.give(0, c.reshape(c.real(0), shape));
}

const OperatorRow kRows[] = {
    {"RESHAPE", importReshape, 1, 2, "model"},
};
} // namespace

const OperatorTable kMovementOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
