// Stacked recurrent layers with the weights in cuDNN's order, which several frameworks keep: LSTM gates
// input, forget, cell, output; GRU gates reset, update, new, its reset applied behind the recurrent product.
#pragma once

#include "lib/import/rule_context.h"

namespace burin {

enum class CellKind { RnnTanh, RnnRelu, Lstm, Gru };

int64_t gatesOf(CellKind kind);

struct RecurrentCell {
  Value input, recurrent;         // [gates * hidden, in], [gates * hidden, hidden]
  Value inputBias, recurrentBias; // [gates * hidden], or null both
};

struct RecurrentStack {
  CellKind kind = CellKind::Lstm;
  int64_t hidden = 0;
  bool bidirectional = false;
  std::vector<RecurrentCell> cells; // of every layer: forward, then backward
  Value h0, c0;                     // [layers * directions, B, hidden]; null: zeros
  Value lengths;                    // [B]; null: all as long as the input
};

struct RecurrentResult {
  Value y;    // [T, B, directions * hidden]
  Value h, c; // [layers * directions, B, hidden]; c for LSTM only
};

// x [T, B, in].
RecurrentResult emitRecurrent(RuleContext& c, Value x, const RecurrentStack& stack);

} // namespace burin
