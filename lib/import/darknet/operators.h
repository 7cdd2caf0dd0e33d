// The table of layers: what each reads, how large it and its weights are, and its rule.
#pragma once

#include "lib/import/darknet/layer_context.h"
#include "lib/import/format.h"

namespace burin::darknet {

enum class Reads { Previous, PreviousAndNamed, Named }; // named: "from" or "layers"

struct Measured {
  Size out;
  int64_t weights = 0; // floats in the .weights
};

struct LayerRow {
  const char* type;
  void (*rule)(LayerContext&);
  // Sizes of the result and of the weights as the file declares them; errors need only a message.
  Result<Measured> (*measure)(const Section& section, const std::vector<Size>& inputs);
  Reads reads;
  const char* shownBy; // see SupportedOperator
};

struct LayerTable {
  const LayerRow* rows;
  size_t count;
};

extern const LayerTable kWeightedLayers, kPoolingLayers, kJoiningLayers, kHeadLayers;

const LayerRow* findOperator(const std::string& type); // null without a rule
std::vector<SupportedOperator> darknetOperators();
std::string remedyFor(const std::string& type);

} // namespace burin::darknet
