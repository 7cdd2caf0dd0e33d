// Pieces that rules of several files share.
#pragma once

#include "lib/import/paddle/node.h"
#include "lib/import/windowed_ops.h"

namespace burin::paddle {

bool isChannelsLast(const Node& n, const char* attribute = "data_format");

// strides, paddings, padding_algorithm, dilations for an input [N, C, spatial...].
std::optional<Window> readWindow(Node& n, Value x, const Ints& kernel);

// y placed against x as attribute `axis` says, so that numpy's broadcasting does the rest.
std::pair<Value, Value> alignedOperands(Node& n, Value x, Value y);

// An activation by its Paddle name, with the attributes that the operator of that name has; "" and identity
// give x.
Value activation(Node& n, Value x, const std::string& name);

} // namespace burin::paddle
