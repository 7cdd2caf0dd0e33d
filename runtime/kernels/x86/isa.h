// What this x86-64 machine can execute.
#pragma once

namespace burin::rt::x86 {

struct CpuFeatures {
  bool avx2 = false;       // AVX2 and FMA
  bool avxVnni = false;    // 256-bit vpdpbusd in VEX encoding
  bool avx512 = false;     // F, BW, DQ, VL
  bool avx512Vnni = false; // vpdpbusd on 512 bits
  bool amxInt8 = false;    // tile unit with int8 products, usable by this process
};

const CpuFeatures& cpuFeatures();

} // namespace burin::rt::x86
