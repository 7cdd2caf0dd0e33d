// The table of layers: what each reads, how large it and its weights are, and its rule.
#pragma once

#include "lib/import/darknet/layer_context.h"
#include "lib/import/operator_table.h"

namespace burin::darknet {

enum class Reads { Previous, PreviousAndNamed, Named }; // named: "from" or "layers"

struct Measured {
  Size out;
  int64_t weights = 0; // floats in the .weights
};

struct LayerRow {
  const char* name;
  void (*rule)(LayerContext&);
  // Sizes of the result and of the weights as the file declares them; errors need only a message.
  Result<Measured> (*measure)(const Section& section, const std::vector<Size>& inputs);
  Reads reads;
  const char* shownBy; // see SupportedOperator
};

extern const OperatorTable<LayerRow> kWeightedLayers, kPoolingLayers, kJoiningLayers, kHeadLayers;

const OperatorIndex<LayerRow>& operators();
std::string remedyFor(const std::string& type);

} // namespace burin::darknet
