// Tile kernels on 256-bit vectors for 8-bit integers by vpdpbusd in its VEX form.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>
#include <utility>

#define BURIN_TARGET __attribute__((target("avx2,fma,avxvnni")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_tile_avx2.inc.h"

struct Vnni256 : Integer256 {
  BURIN_INLINE Vector dot(Vector sum, Vector x, Vector w) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
};

#include "runtime/ops/conv_tile.inc.h"

constexpr TileEngine makeEngine() {
  TileEngine engine{"avxvnni", RowElement::U8, 8, 4, 2, {}, {}};
  addTiles<Vnni256, 1>(engine, std::make_integer_sequence<int, 8>());
  addTiles<Vnni256, 2>(engine, std::make_integer_sequence<int, 6>());
  return engine;
}

} // namespace

const TileEngine kVnniAvx2 = makeEngine();

} // namespace burin::rt::x86
