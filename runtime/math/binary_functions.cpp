#include "runtime/math/binary_functions.h"

namespace burin::rt::math {

namespace {
const char* const kNames[kBinaryCount] = {
#define BURIN_ROW(Name, text, expression) #text,
    BURIN_VECTOR_BINARY(BURIN_ROW) BURIN_SCALAR_BINARY(BURIN_ROW) BURIN_COMPARISON(BURIN_ROW)
        BURIN_INTEGER_BINARY(BURIN_ROW)
#undef BURIN_ROW
};
} // namespace

bool parseBinaryFn(const char* name, BinaryFn& fn) {
  for (int i = 0; i < kBinaryCount; ++i)
    if (std::strcmp(kNames[i], name) == 0) {
      fn = static_cast<BinaryFn>(i);
      return true;
    }
  return false;
}

const char* binaryFnName(BinaryFn fn) { return kNames[static_cast<int>(fn)]; }

} // namespace burin::rt::math
