#include "runtime/kernels/x86/conv_tile_tables.h"

#include "runtime/kernels/x86/isa.h"

namespace burin::rt {

const TileEngine* floatTileEngine(Isa isa) {
  if (isa >= Isa::Avx512) return &x86::kFloatAvx512;
  return isa >= Isa::Avx2 ? &x86::kFloatAvx2 : nullptr;
}

const TileEngine* integerTileEngine(Isa isa, DType x, DType w) {
  if (isa < Isa::Avx2 || dtypeBytes(w) > 1) return nullptr;
  if (dtypeBytes(x) > 1) return &x86::kMaddAvx2;
  if (isa >= Isa::Avx512Vnni) return &x86::kVnniAvx512;
  return x86::cpuFeatures().avxVnni ? &x86::kVnniAvx2 : &x86::kMaddAvx2;
}

} // namespace burin::rt
