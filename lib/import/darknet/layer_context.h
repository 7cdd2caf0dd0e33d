// What a layer's rule sees: the graph through RuleContext, its section, and its part of the .weights.
#pragma once

#include "lib/import/darknet/network.h"
#include "lib/import/darknet/weights.h"
#include "lib/import/rule_context.h"

namespace burin::darknet {

class LayerContext {
public:
  LayerContext(RuleContext& context, const Network& network, const Layer& l, const Result<Weights>& weights)
      : op(context), layer(l), section(*l.section), picture(network.picture), x(context.in(0)),
        weights_(weights), at_(l.weightsAt.value_or(-1)) {}

  RuleContext& op;
  const Layer& layer;
  const Section& section;
  const Size& picture; // as the file declares it
  const Value x;       // the first input

  Ints dims() const { return RuleContext::dims(x); }

  // The layer's next floats of the .weights.
  Value take(const char* what, const Ints& shape);
  bool weightsAreTransposed() const { return weights_ && weights_->isTransposed(); }
  // The last result is what other layers read; those before it are its steps, made in this order.
  void result(Value value) { op.set(step_++, value); }

private:
  const Result<Weights>& weights_;
  int64_t at_;
  int step_ = 0;
};

// `x` through the section's activation; the same x for linear.
Value activated(LayerContext& c, Value x, const std::string& activation);

} // namespace burin::darknet
