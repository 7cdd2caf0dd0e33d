// Arbitrary bytes as a TorchScript archive; and as the source or the pickle of one, which a fuzzer would
// hardly find its way to through checksums. An error or a valid module, in bounded time and memory.
#include "lib/import/torch/importer.h"

#include "fuzz/fuzz_import.h"
#include "lib/data/zip.h"

#include <string>
#include <string_view>

using namespace std::string_literals;

namespace {
constexpr std::string_view kSource =
    "class Net(Module):\n  def forward(self: __torch__.Net, x: Tensor) -> Tensor:\n"
    "    return torch.relu(x)\n";
constexpr size_t kWeights = 4 * 3 * 3 * 3; // floats in data/0

std::span<const uint8_t> bytesOf(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// A tensor over data/0; sizes and strides are pickled numbers.
std::string pickledTensor(const std::string& sizes, const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
         "0U\x03"
         "cpuK\x6ctQK\0("s +
         sizes + "t(" + strides + "t\x89" + "ccollections\nOrderedDict\n)RtR";
}

// A module with the attributes weight (4x3x3x3) and bias (4), for sources to use.
std::string pickledModule() {
  return "\x80\x02"
         "c__torch__\nNet\n)\x81}(U\x06weight"s +
         pickledTensor("K\4K\3K\3K\3", "K\x1bK\x09K\3K\1") + "U\x04" + "bias" + pickledTensor("K\4", "K\1") +
         "ub.";
}

void import(std::span<const uint8_t> archive) {
  burin::fuzz::checkImport([&](burin::ImportOptions options, mlir::MLIRContext& context) {
    options.maxNodes = 500; // each may have many steps of the evaluator
    options.inputShapes["x"] = {1, 3, 8, 8};
    return burin::importTorchBytes({reinterpret_cast<const char*>(archive.data()), archive.size()}, options,
                                   context);
  });
}

void importParts(std::span<const uint8_t> source, std::span<const uint8_t> pickle) {
  static const std::string weights(kWeights * sizeof(float), '\x3c'); // 0.0115
  burin::ZipWriter zip(false);
  zip.add("net/code/__torch__.py", source);
  zip.add("net/data.pkl", pickle);
  zip.add("net/data/0", bytesOf(weights));
  if (auto archive = zip.finish()) import(*archive);
}
} // namespace

// The first byte chooses the part.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const std::string pickle = pickledModule();
  std::span<const uint8_t> rest(data + 1, size - 1);
  if (data[0] % 3 == 0) import(rest);
  if (data[0] % 3 == 1) importParts(rest, bytesOf(pickle));
  if (data[0] % 3 == 2) importParts(bytesOf(kSource), rest);
  return 0;
}
