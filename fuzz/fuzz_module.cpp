// Module files up to where MLIR's own parsers begin, which are not hardened: the envelope of the one-file
// form, whose checksum keeps a damaged file from them, and the weights beside a text module, whose table is
// ours.
#include "lib/nn/module_io.h"

#include "lib/support/file.h"
#include "runtime/core/container.h"

#include <cstring>
#include <filesystem>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

constexpr char kModule[] = R"(// burin module 1
module {
  nn.graph @main {
    %0 = nn.input "x" : tensor<1x4xf32>
    %1 = nn.constant {names = ["b"]} dense_resource<b> : tensor<3xf32>
    %2 = nn.constant {names = ["g/binary"]} dense_resource<"g/binary"> : tensor<3x4xf32>
    %3 = nn.matmul %0, %2, %1 {names = ["y"], trans_a = false, trans_b = true} : (tensor<1x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<1x3xf32>
    nn.output %3 : tensor<1x3xf32> {names = ["y"]}
  }
}
)";

// Two files in a folder that vanishes at the end: the text module, and what is fuzzed.
struct Folder {
  Folder() {
    char name[] = "/tmp/burin_fuzz_module_XXXXXX";
    if (!mkdtemp(name)) abort();
    path = name;
    if (!burin::writeFile(text(), std::string(kModule))) abort();
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string text() const { return path + "/net.mlir"; }
  std::string sealed() const { return path + "/net.mlirbc"; }
  std::string path;
};

// Makes the length and the checksum right, or nothing behind them would ever be read.
void mend(std::vector<char>& file) {
  constexpr size_t kHeaderBytes = 64;
  if (file.size() < kHeaderBytes) return;
  const uint64_t fields[2] = {file.size() - kHeaderBytes,
                              burin::rt::checksum(file.data() + kHeaderBytes, file.size() - kHeaderBytes)};
  memcpy(file.data() + 8, fields, sizeof fields);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  std::vector<char> file(data, data + size);
  const std::string_view bytes(file.data(), file.size());
  if (bytes.starts_with("BURINWT1")) {
    mend(file);
    if (!burin::writeFile(folder.text() + ".weights", file)) return 0;
    // The hash reads every byte of every constant.
    if (auto module = burin::nn::loadModule(folder.text())) (void)burin::nn::moduleHash(*module->op);
  } else if (!bytes.starts_with("//")) { // text goes to MLIR's parser as it is
    if (burin::writeFile(folder.sealed(), file)) (void)burin::nn::loadModule(folder.sealed());
  }
  return 0;
}
