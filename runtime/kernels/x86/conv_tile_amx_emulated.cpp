// The AMX tile kernel on registers in memory, so that machines without the unit can test it.
#include "runtime/kernels/x86/conv_tile_tables.h"

#include <immintrin.h>

#define BURIN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")))
#include "runtime/kernels/x86/conv_tile_macros.inc.h"

namespace burin::rt::x86 {
namespace {

#include "runtime/kernels/x86/conv_bytes_avx512.inc.h"
#include "runtime/kernels/x86/conv_tile_amx.inc.h"

struct EmulatedAmx {
  static inline thread_local uint8_t registers[8][kUnitRows][kUnitBytes];
  static inline thread_local bool isConfigured;

  static void configure() { isConfigured = true; }
  static void release() { isConfigured = false; }

  template <int R>
  static void load(const uint8_t* p, int64_t stride) {
    for (int row = 0; row < kUnitRows && isConfigured; ++row)
      std::memcpy(registers[R][row], p + row * stride, kUnitBytes);
  }
  template <int R>
  static void store(uint8_t* p, int64_t stride) {
    for (int row = 0; row < kUnitRows && isConfigured; ++row)
      std::memcpy(p + row * stride, registers[R][row], kUnitBytes);
  }
  // Row r of C, 32-bit column c, gains the products of row r of A with the quads of column c of B.
  template <int C, int A, int B>
  static void multiply() {
    for (int row = 0; row < kUnitRows; ++row)
      for (int column = 0; column < 16; ++column) {
        uint32_t sum;
        std::memcpy(&sum, &registers[C][row][column * 4], 4);
        for (int k = 0; k < kUnitBytes; ++k)
          sum += static_cast<uint32_t>(registers[A][row][k] *
                                       static_cast<int8_t>(registers[B][k / 4][column * 4 + k % 4]));
        std::memcpy(&registers[C][row][column * 4], &sum, 4);
      }
  }
};

} // namespace

const TileEngine kEmulatedAmx = makeAmxEngine<EmulatedAmx>("amx (emulated)");

} // namespace burin::rt::x86
