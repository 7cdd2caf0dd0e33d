#include "lib/nn/constants.h"

#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace burin::nn {

namespace {
// MLIR finds a free key by trying one number after the other. The taken ones have no gaps, so the first free
// one is found by doubling and halving: networks have thousands of constants of one name.
std::string freeKey(const DialectResourceBlobManager& manager, const std::string& name) {
  if (!manager.lookup(name)) return name;
  auto key = [&](size_t number) { return name + "_" + std::to_string(number); };
  auto taken = [&](size_t number) { return manager.lookup(key(number)) != nullptr; };
  size_t high = 1;
  while (taken(high)) high *= 2;
  for (size_t low = high / 2; high - low > 1;) {
    const size_t middle = low + (high - low) / 2;
    (taken(middle) ? low : high) = middle;
  }
  return key(high);
}
} // namespace

DenseResourceElementsAttr resource(ShapedType type, const std::string& name, AsmResourceBlob blob) {
  auto& manager = DenseResourceElementsHandle::getManagerInterface(type.getContext()).getBlobManager();
  return DenseResourceElementsAttr::get(type, freeKey(manager, name.empty() ? "c" : name), std::move(blob));
}

Value constant(OpBuilder& builder, RankedTensorType type, AsmResourceBlob blob, const std::string& name) {
  auto made =
      ConstantOp::create(builder, builder.getUnknownLoc(), type, resource(type, name, std::move(blob)));
  if (!name.empty()) setNames(made, {name});
  return made;
}

} // namespace burin::nn
