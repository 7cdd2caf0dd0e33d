// The depthwise tile, written once. Included inside a namespace by one file per instruction set, after the
// macros. An engine E has Vector (of sums) and Weights, kVectors (of a block), kSumBytes, kWeightBytes,
// kTaps, Mask, mask(call),
//   loadSums(p), loadWeights(p),
//   accumulate(sums, taps, weights, mask): adds one group of taps,
//   storeRaw(p, sum), and Finish: made from the call, with store(out, sums, mask).
// No include guard: each including file is its own instance.

template <class E, int P>
BURIN_TARGET void depthwiseTile(const DepthwiseCall& call) {
  typename E::Vector sum[P][E::kVectors];
  BURIN_UNROLL
  for (int p = 0; p < P; ++p) {
    BURIN_UNROLL
    for (int v = 0; v < E::kVectors; ++v) sum[p][v] = E::loadSums(call.start + v * E::kSumBytes);
  }
  const typename E::Mask mask = E::mask(call);
  const uint8_t* weights = call.weights;
  const uint8_t* const* rows = call.rows;
  const int64_t rowStep = call.rowStep, offset = call.offset;
  for (int64_t group = 0; group < call.tapGroups; ++group, rows += E::kTaps * rowStep) {
    typename E::Weights w[E::kVectors];
    BURIN_UNROLL
    for (int v = 0; v < E::kVectors; ++v) w[v] = E::loadWeights(weights + v * E::kWeightBytes);
    weights += E::kVectors * E::kWeightBytes;
    BURIN_UNROLL
    for (int p = 0; p < P; ++p) {
      const uint8_t* tap[E::kTaps];
      BURIN_UNROLL
      for (int t = 0; t < E::kTaps; ++t) tap[t] = rows[t * rowStep + p] + offset;
      E::accumulate(sum[p], tap, w, mask);
    }
  }
  uint8_t* out = call.out;
  const int64_t outStride = call.outStride;
  if (call.store == TileStore::Raw) {
    BURIN_UNROLL
    for (int p = 0; p < P; ++p) {
      BURIN_UNROLL
      for (int v = 0; v < E::kVectors; ++v) E::storeRaw(out + p * outStride + v * E::kSumBytes, sum[p][v]);
    }
    return;
  }
  const typename E::Finish finish(call);
  BURIN_UNROLL
  for (int p = 0; p < P; ++p) finish.store(out + p * outStride, sum[p], mask);
}

template <class E, int... P>
constexpr void addDepthwiseTiles(DepthwiseEngine& engine, std::integer_sequence<int, P...>) {
  engine.pixels = sizeof...(P);
  ((engine.tile[P + 1] = depthwiseTile<E, P + 1>), ...);
}
