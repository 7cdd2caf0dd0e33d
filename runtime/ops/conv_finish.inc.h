// The loops behind FinishTable, written once. Included inside a namespace by one file per instruction set,
// which defines BURIN_TARGET. No include guard: each including file is its own instance.

template <RequantPolicy P, class Out>
BURIN_TARGET void finishIntegers(const FinishRow& row) {
  const int32_t *sums = row.sums, *multiplier = row.multiplier, *shift = row.shift;
  const float* scale = row.scale;
  const int32_t zeroPoint = row.zeroPoint, low = row.low, high = row.high;
  Out* __restrict out = reinterpret_cast<Out*>(row.out);
  for (int i = 0; i < row.count; ++i) {
    Requant rule;
    rule.policy = P;
    rule.multiplier = multiplier[i];
    rule.shift = shift[i];
    rule.scale = scale[i];
    out[i] = static_cast<Out>(apply<P>(sums[i], rule, zeroPoint, low, high));
  }
}

// NaN passes.
BURIN_TARGET inline void finishReal(const FinishRow& row) {
  float* __restrict out = reinterpret_cast<float*>(row.out);
  for (int i = 0; i < row.count; ++i) {
    const float value = static_cast<float>(row.sums[i]) * row.scale[i];
    const float raised = value < row.realLow ? row.realLow : value;
    out[i] = raised > row.realHigh ? row.realHigh : raised;
  }
}

template <int... P>
constexpr FinishTable makeFinishTable(std::integer_sequence<int, P...>) {
  return {{finishIntegers<static_cast<RequantPolicy>(P), uint8_t>...},
          {finishIntegers<static_cast<RequantPolicy>(P), uint16_t>...},
          finishReal};
}
