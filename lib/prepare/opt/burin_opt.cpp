// burin-opt [--prepare | --group=NAME | --cse | --flip | --names] FILE: rewrites the module in FILE ("-"
// for standard input) and prints it. Short constants are printed as numbers.
#include "lib/nn/module_io.h"
#include "lib/prepare/prepare.h"
#include "lib/prepare/rewrite.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace burin {
namespace {

constexpr int64_t kShortConstant = 32;

void printShortConstants(ModuleOp module) {
  module.walk([](nn::ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getY().getType());
    if (!isa<DenseResourceElementsAttr>(op.getValue()) || type.getNumElements() > kShortConstant ||
        type.getElementType().isInteger(1))
      return;
    op.setValueAttr(DenseElementsAttr::getFromRawBuffer(type, nn::constantBytes(op.getY())));
  });
}

bool apply(const std::string& action, ModuleOp module) {
  if (action == "--prepare") {
    Status status = prepare(module);
    if (!status) llvm::errs() << status.error().text() << "\n";
    return status.has_value();
  }
  bool known = false;
  for (nn::GraphOp graph : module.getOps<nn::GraphOp>()) {
    rewrites::expandSplats(graph);
    if (action == "--cse") known = true, rewrites::mergeEqualOps(graph);
    if (action == "--flip") known = true, rewrites::flipTransposedRegions(graph);
    if (action == "--names") known = true, nameValues(graph);
    for (const rewrites::Group& group : rewrites::groups())
      if (action == std::string("--group=") + group.name) known = true, rewrites::runGroup(graph, group);
    rewrites::removeDeadOps(graph);
  }
  if (!known) llvm::errs() << "burin-opt: unknown action '" << action << "', or no graph in the file\n";
  return known;
}

// A saved module (with its weights), or bare text as in the tests.
Result<nn::Module> load(const std::string& path) {
  if (nn::isModuleFile(path)) return nn::loadModule(path);
  nn::Module module;
  module.context = nn::makeContext();
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!file) return fail(Error{ErrorCode::Input, path, {}, file.getError().message(), {}});
  ScopedDiagnosticHandler diagnostics(module.context.get(), [](Diagnostic& d) {
    llvm::errs() << d.getLocation() << ": " << d.str() << "\n";
    return success();
  });
  module.op = parseSourceString<ModuleOp>((*file)->getBuffer(), module.context.get());
  if (!module.op) return fail(Error{ErrorCode::Input, path, {}, "not a module", {}});
  return module;
}

int run(int count, char** arguments) {
  if (count < 2) {
    llvm::errs() << "usage: burin-opt [--prepare|--group=NAME|--cse|--flip|--names]... FILE\n";
    return 2;
  }
  auto module = load(arguments[count - 1]);
  if (!module) {
    llvm::errs() << module.error().text() << "\n";
    return static_cast<int>(module.error().code);
  }
  for (int i = 1; i + 1 < count; ++i)
    if (!apply(arguments[i], *module->op)) return 1;
  printShortConstants(*module->op);
  module->op->print(llvm::outs(), OpPrintingFlags().elideLargeResourceString(0));
  llvm::outs() << "\n";
  return 0;
}

} // namespace
} // namespace burin

int main(int count, char** arguments) { return burin::run(count, arguments); }
