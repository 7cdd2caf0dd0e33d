#include "runtime/kernels/transpose.h"

namespace burin::rt {

namespace {
// A constant number of columns lets the compiler interleave them.
template <class T, int kColumns>
void interleave(const T* source, int64_t columnStep, T* target, int64_t rowStep, int64_t rows) {
  for (int64_t r = 0; r < rows; ++r)
    for (int c = 0; c < kColumns; ++c) target[r * rowStep + c] = source[c * columnStep + r];
}

template <class T>
void transposePlain(const void* from, int64_t columnStep, void* to, int64_t rowStep, int64_t rows,
                    int64_t columns) {
  const T* source = static_cast<const T*>(from);
  T* target = static_cast<T*>(to);
  switch (columns) {
  case 2:
    return interleave<T, 2>(source, columnStep, target, rowStep, rows);
  case 3:
    return interleave<T, 3>(source, columnStep, target, rowStep, rows);
  case 4:
    return interleave<T, 4>(source, columnStep, target, rowStep, rows);
  default:
    break;
  }
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) target[r * rowStep + c] = source[c * columnStep + r];
}
} // namespace

#if defined(__x86_64__)
TransposeTile transposeTileX86(size_t bytes, Isa isa); // null where it has nothing better
#endif

TransposeTile transposeTile(size_t bytes, Isa isa) {
#if defined(__x86_64__)
  if (TransposeTile better = isa == Isa::Reference ? nullptr : transposeTileX86(bytes, isa)) return better;
#endif
  switch (bytes) {
  case 1:
    return transposePlain<uint8_t>;
  case 2:
    return transposePlain<uint16_t>;
  case 4:
    return transposePlain<uint32_t>;
  default:
    return transposePlain<uint64_t>;
  }
}

} // namespace burin::rt
