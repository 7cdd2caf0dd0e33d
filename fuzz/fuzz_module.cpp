// The envelopes of module files: a damaged file never reaches MLIR's own parsers, which are not hardened.
#include "lib/nn/module_io.h"

#include "lib/support/file.h"

#include <cstdlib>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path = "/tmp/burin_fuzz_module_" + std::to_string(getpid()) + ".mlirbc";
  if (size == 0 || !burin::writeFile(path, {reinterpret_cast<const char*>(data), size})) return 0;
  // Text is refused here by its first line: only the sealed form is of interest.
  if (data[0] != '/') (void)burin::nn::loadModule(path);
  unlink(path.c_str());
  return 0;
}
