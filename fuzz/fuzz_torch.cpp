// Arbitrary bytes as a TorchScript archive; and as the source or the pickle of one, which a fuzzer would
// hardly find its way to through checksums. An error or a valid module, in bounded time and memory.
#include "lib/import/torch/importer.h"

#include "lib/data/zip.h"

#include <cstdint>
#include <string_view>

namespace {
constexpr std::string_view kPickle("\x80\x02"
                                   "c__torch__\nNet\n)\x81}b.");
constexpr std::string_view kSource =
    "class Net(Module):\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"
    "    return torch.relu(x)\n";

std::span<const uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void import(std::span<const uint8_t> archive) {
  burin::ImportOptions options;
  options.maxNodes = 500;
  options.maxLoopIterations = 16;
  options.foldLimits = {int64_t{1} << 18, int64_t{1} << 24, int64_t{1} << 24};
  options.inputShapes["x"] = {1, 3, 8, 8};
  mlir::MLIRContext context;
  burin::nn::loadDialects(context);
  auto imported = burin::importTorchBytes({reinterpret_cast<const char*>(archive.data()), archive.size()},
                                          options, context);
  if (!imported && imported.error().code == burin::ErrorCode::Internal)
    __builtin_trap(); // a graph the verifier refuses
}

void importParts(std::span<const uint8_t> source, std::span<const uint8_t> pickle) {
  burin::ZipWriter zip(false);
  zip.add("net/code/__torch__.py", source);
  zip.add("net/data.pkl", pickle);
  if (auto archive = zip.finish()) import(*archive);
}
} // namespace

// The first byte chooses the part.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::span<const uint8_t> rest(data + 1, size - 1);
  if (data[0] % 3 == 0) import(rest);
  if (data[0] % 3 == 1) importParts(rest, bytesOf(kPickle));
  if (data[0] % 3 == 2) importParts(bytesOf(kSource), rest);
  return 0;
}
