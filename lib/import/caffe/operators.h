// The table of layers: one row per type, one array per file of rules.
#pragma once

#include "lib/import/caffe/layer_context.h"
#include "lib/import/operator_table.h"

namespace burin::caffe {

using LayerRule = void (*)(LayerContext&);

struct LayerRow {
  const char* name;
  LayerRule rule;
  const char* parameters; // the message that holds its parameters
  size_t minBottoms, maxBottoms;
  const char* shownBy;      // see SupportedOperator
  const char* variant = ""; // what rules shared by several types tell them apart by
};

extern const OperatorTable<LayerRow> kConvolutionLayers, kPoolingLayers, kElementwiseLayers,
    kNormalizationLayers, kMovementLayers, kReductionLayers, kDetectionLayers;

const OperatorIndex<LayerRow>& operators();
std::string remedyFor(const std::string& type);
// A type as the old format writes it (INNER_PRODUCT) under its present name (InnerProduct).
std::string modernType(const std::string& type);

} // namespace burin::caffe
