// The quant plan's reader on arbitrary bytes; what it accepts is applied to a small network, with the hash
// made right. A plan gives an error or a program that the loader takes.
#include "lib/pipeline/pipeline.h"
#include "lib/prepare/prepare.h"

#include <cstdlib>

using namespace burin;

namespace {

struct SmallNetwork {
  SmallNetwork() {
    auto loaded = loadNetwork(BURIN_SOURCE_DIR "/fuzz/corpus/onnx/conv_pool.onnx", {});
    auto target = loadTarget("cpu");
    if (!loaded || !target || !prepare(*loaded->module.op)) std::abort();
    module = std::move(loaded->module);
    options.precision = "int8";
    options.target = std::move(*target);
    hash = nn::moduleHash(*module.op);
  }
  nn::Module module;
  CompileOptions options;
  std::string hash;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto plan = quantize::planFromJson(std::string(reinterpret_cast<const char*>(data), size), "plan.json");
  if (!plan) return 0;
  if (!quantize::planFromJson(quantize::toJson(*plan), "again.json")) std::abort();
  static SmallNetwork network;
  plan->graphHash = network.hash;
  network.options.plan = &*plan;
  auto compiled = compileNetwork(*network.module.op, network.options);
  if (compiled && !Executable::fromProgram(compiled->program)) std::abort();
  return 0;
}
