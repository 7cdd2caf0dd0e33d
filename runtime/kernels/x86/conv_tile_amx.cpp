// Tile kernels on AMX: tdpbusd multiplies 16 rows of unsigned bytes with 16 channels of signed weights.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>

#define BURIN_TARGET                                                                                         \
  __attribute__((target("amx-tile,amx-int8,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_bytes_avx512.inc.h"
#include "runtime/kernels/x86/conv_tile_amx.inc.h"

// The intrinsics want literal register numbers.
#define BURIN_FOR_REGISTER(number, call)                                                                     \
  if constexpr (number == 0)                                                                                 \
    call(0);                                                                                                 \
  else if constexpr (number == 1)                                                                            \
    call(1);                                                                                                 \
  else if constexpr (number == 2)                                                                            \
    call(2);                                                                                                 \
  else if constexpr (number == 3)                                                                            \
    call(3);                                                                                                 \
  else if constexpr (number == 4)                                                                            \
    call(4);                                                                                                 \
  else if constexpr (number == 5)                                                                            \
    call(5);                                                                                                 \
  else if constexpr (number == 6)                                                                            \
    call(6);                                                                                                 \
  else                                                                                                       \
    call(7)

struct Amx {
  // All registers have 16 rows of 64 bytes (Intel's "palette 1" layout of the configuration).
  BURIN_TARGET static void configure() {
    struct alignas(64) {
      uint8_t palette = 1, startRow = 0, reserved[14] = {};
      uint16_t columnBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } configuration;
    _tile_loadconfig(&configuration);
  }
  BURIN_TARGET static void release() { _tile_release(); }

  template <int R>
  BURIN_INLINE void load(const uint8_t* p, int64_t stride) {
#define BURIN_LOAD(r) _tile_loadd(r, p, stride)
    BURIN_FOR_REGISTER(R, BURIN_LOAD);
#undef BURIN_LOAD
  }
  template <int R>
  BURIN_INLINE void store(uint8_t* p, int64_t stride) {
#define BURIN_STORE(r) _tile_stored(r, p, stride)
    BURIN_FOR_REGISTER(R, BURIN_STORE);
#undef BURIN_STORE
  }
  template <int C, int A, int B>
  BURIN_INLINE void multiply() {
    static_assert((A == 4 && C < 2) || (A == 5 && (C == 2 || C == 3)), "the registers of a tile");
    static_assert(B == 6 + C % 2, "the registers of a tile");
    if constexpr (C == 0)
      _tile_dpbusd(0, 4, 6);
    else if constexpr (C == 1)
      _tile_dpbusd(1, 4, 7);
    else if constexpr (C == 2)
      _tile_dpbusd(2, 5, 6);
    else
      _tile_dpbusd(3, 5, 7);
  }
};
#undef BURIN_FOR_REGISTER

} // namespace

const TileEngine kAmx = makeAmxEngine<Amx>("amx");

} // namespace burin::rt::x86
