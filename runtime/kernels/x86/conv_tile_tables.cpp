#include "runtime/kernels/x86/conv_tile_tables.h"

#include "runtime/kernels/x86/isa.h"

namespace burin::rt {

namespace x86 {
alignas(64) const int32_t kWordsByVector512[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
}

const TileEngine* floatTileEngine(Isa isa) {
  if (isa >= Isa::Avx512) return &x86::kFloatAvx512;
  if (isa >= Isa::Avx2) return &x86::kFloatAvx2;
  return isa == Isa::Portable ? portableTileEngine(false) : nullptr;
}

namespace {
// The tile unit works on 16 rows and 64 bytes of depth at a time; it is worth it where neither is mostly
// padding.
bool fitsTileUnit(const TileProblem& problem) {
  const int64_t padded = (problem.length + 63) / 64 * 64;
  return problem.rows >= 8 && problem.length * 2 >= padded;
}
} // namespace

const TileEngine* integerTileEngine(Isa isa, const TileProblem& problem) {
  if (isa < Isa::Portable || dtypeBytes(problem.w) > 1) return nullptr;
  if (isa == Isa::Portable) return portableTileEngine(true);
  if (dtypeBytes(problem.x) > 1) return &x86::kMaddAvx2;
  if (isa >= Isa::Amx && fitsTileUnit(problem)) return &x86::kAmx;
  if (isa >= Isa::Avx512Vnni) return &x86::kVnniAvx512;
  return x86::cpuFeatures().avxVnni ? &x86::kVnniAvx2 : &x86::kMaddAvx2;
}

DepthwiseEngines floatDepthwiseEngines(Isa isa) {
  if (isa >= Isa::Avx512) return {x86::kFloatDepthwise512, 4};
  if (isa >= Isa::Avx2) return {&x86::kFloatDepthwise256, 1};
  return isa == Isa::Portable ? portableDepthwiseEngines(false) : DepthwiseEngines();
}

DepthwiseEngines integerDepthwiseEngines(Isa isa, DType x, DType w) {
  if (isa < Isa::Portable || dtypeBytes(w) > 1) return {};
  if (isa == Isa::Portable) return portableDepthwiseEngines(true);
  const bool isSigned = x == DType::I8;
  if (dtypeBytes(x) > 1) return {&x86::kDepthwiseMadd256, 1};
  if (isa >= Isa::Avx512Vnni) return {isSigned ? x86::kSignedDepthwiseVnni512 : x86::kDepthwiseVnni512, 6};
  if (x86::cpuFeatures().avxVnni) return {&x86::kDepthwiseVnni256[isSigned ? 1 : 0], 1};
  return {&x86::kDepthwiseMadd256, 1};
}

const FinishTable& finishTable(Isa isa) {
  if (isa >= Isa::Avx512) return x86::kFinishAvx512;
  return isa >= Isa::Avx2 ? x86::kFinishAvx2 : portableFinishTable();
}

} // namespace burin::rt
