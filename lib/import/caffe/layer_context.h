// What a layer's rule sees: the graph through RuleContext, the parameters in the text, the stored blobs.
#pragma once

#include "lib/import/caffe/network.h"
#include "lib/import/caffe/weights.h"
#include "lib/import/rule_context.h"

namespace burin::caffe {

// The fields of one parameter message. A value that does not parse is an error of the layer; an absent one is
// the fallback.
class Parameters {
public:
  Parameters(RuleContext& op, const TextMessage& message, const char* name)
      : op_(op), message_(message), name_(name) {}

  bool has(const char* field) const { return message_.has(field); }
  int64_t integer(const char* field, int64_t fallback = 0) const;
  float real(const char* field, float fallback = 0) const;
  bool flag(const char* field, bool fallback) const;
  // Of an enumeration: the index of its name (or its number) in `names`.
  int choice(const char* field, std::initializer_list<const char*> names, int fallback = 0) const;
  Ints integers(const char* field) const;
  std::vector<float> reals(const char* field) const;
  Parameters inner(const char* field) const { return {op_, message_.message(field), field}; }

private:
  template <class T>
  T parsed(const char* field, const std::string& text) const;

  RuleContext& op_;
  const TextMessage& message_;
  const char* name_;
};

struct LayerRow;

class LayerContext {
public:
  LayerContext(RuleContext& context, const LayerRow& row, const Layer& layer, const Result<Weights>& weights);

  RuleContext& op;
  const LayerRow& row;
  const Layer& layer;
  const Parameters params;
  const Value x; // the first bottom

  int64_t rank() const { return RuleContext::rank(x); }
  Ints dims() const { return RuleContext::dims(x); }
  int64_t axis(const char* field, int64_t fallback) {
    return op.axis(params.integer(field, fallback), rank());
  }

  // Stored blob `index` as a constant of this shape. Caffe writes shapes in several ways (four dimensions in
  // old files), so only the number of elements is held against it. Where the layer is not in the file,
  // `filler` (a field such as "weight_filler") may make the blob, as it does in Caffe.
  Value blob(size_t index, const char* what, const Ints& shape, const char* filler = nullptr);
  size_t blobCount() const;

private:
  const std::vector<Blob>* stored() const;
  Value filled(const char* what, const Ints& shape, const char* filler);

  const Result<Weights>& weights_;
};

} // namespace burin::caffe
