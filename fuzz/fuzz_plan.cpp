// The quant plan's reader on arbitrary bytes.
#include "lib/quantize/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto plan =
      burin::quantize::planFromJson(std::string(reinterpret_cast<const char*>(data), size), "plan.json");
  if (plan) {
    // What was read can be written and read again.
    auto again = burin::quantize::planFromJson(burin::quantize::toJson(*plan), "again.json");
    if (!again) __builtin_trap();
  }
  return 0;
}
