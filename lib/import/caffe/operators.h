// The table of layers: one row per type, one array per file of rules.
#pragma once

#include "lib/import/caffe/layer_context.h"
#include "lib/import/format.h"

namespace burin::caffe {

using LayerRule = void (*)(LayerContext&);

constexpr size_t kAny = size_t(1) << 30;

struct LayerRow {
  const char* type;
  LayerRule rule;
  const char* parameters; // the message that holds its parameters
  size_t minBottoms, maxBottoms;
  const char* shownBy;      // see SupportedOperator
  const char* variant = ""; // what rules shared by several types tell them apart by
};

struct LayerTable {
  const LayerRow* rows;
  size_t count;
};

extern const LayerTable kConvolutionLayers, kPoolingLayers, kElementwiseLayers, kNormalizationLayers,
    kMovementLayers, kReductionLayers, kDetectionLayers;

const LayerRow* findOperator(const std::string& type); // null without a rule
std::vector<SupportedOperator> caffeOperators();
std::string remedyFor(const std::string& type);
// A type as the old format writes it (INNER_PRODUCT) under its present name (InnerProduct).
std::string modernType(const std::string& type);

} // namespace burin::caffe
