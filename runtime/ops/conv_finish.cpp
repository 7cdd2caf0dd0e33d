#include "runtime/ops/conv_finish.h"

#include "runtime/numerics/registry.h"

#include <utility>

#define BURIN_TARGET

namespace burin::rt {

static_assert(sizeof kRequantPolicyNames / sizeof *kRequantPolicyNames == kRequantPolicyCount,
              "one loop per policy");

namespace {
#include "runtime/ops/conv_finish.inc.h"
} // namespace

const FinishTable& portableFinishTable() {
  static const FinishTable table = makeFinishTable(std::make_integer_sequence<int, kRequantPolicyCount>());
  return table;
}

} // namespace burin::rt
