// The tile kernel, written once. Included inside a namespace by one file per instruction set, which defines
// BURIN_TARGET (the target attribute, or nothing), BURIN_UNROLL and the engine types. An engine E has
//   Vector (of sums) and Weights (one vector of packed weights), kStepBytes of a row, kSumBytes and
//   kWeightBytes, loadSums(p), loadWeights(p), broadcast(p), dot(sum, row, weights), storeRaw(p, sum), and
//   Finish<V>: made from the call, with store(out, sums of one row).
// No include guard: each including file is its own instance. All loops over R and V are unrolled, so that the
// sums stay in registers.

template <class E, int V, int R>
BURIN_TARGET void tile(const TileCall& call) {
  typename E::Vector sum[R][V];
  BURIN_UNROLL
  for (int r = 0; r < R; ++r) {
    BURIN_UNROLL
    for (int v = 0; v < V; ++v) sum[r][v] = E::loadSums(call.start + r * call.startStride + v * E::kSumBytes);
  }

  const uint8_t* weights = call.weights;
  const uint8_t* const* rows = call.rows;
  const int64_t bytes = call.steps * E::kStepBytes, offset = call.offset, rowStep = call.rowStep;
  for (int64_t segment = 0; segment < call.segments; ++segment, rows += rowStep) {
    const uint8_t* row[R];
    BURIN_UNROLL
    for (int r = 0; r < R; ++r) row[r] = rows[r] + offset;
    for (int64_t k = 0; k < bytes; k += E::kStepBytes) {
      typename E::Weights w[V];
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) w[v] = E::loadWeights(weights + v * E::kWeightBytes);
      weights += V * E::kWeightBytes;
      BURIN_UNROLL
      for (int r = 0; r < R; ++r) {
        const auto x = E::broadcast(row[r] + k);
        BURIN_UNROLL
        for (int v = 0; v < V; ++v) sum[r][v] = E::dot(sum[r][v], x, w[v]);
      }
    }
  }

  uint8_t* out = call.out;
  const int64_t outStride = call.outStride;
  if (call.store == TileStore::Raw) {
    BURIN_UNROLL
    for (int r = 0; r < R; ++r) {
      BURIN_UNROLL
      for (int v = 0; v < V; ++v) E::storeRaw(out + r * outStride + v * E::kSumBytes, sum[r][v]);
    }
    return;
  }
  const typename E::template Finish<V> finish(call);
  BURIN_UNROLL
  for (int r = 0; r < R; ++r) finish.store(out + r * outStride, sum[r]);
}

// Fills the table's row for V vectors with R = 1 .. sizeof...(R).
template <class E, int V, int... R>
constexpr void addTiles(TileEngine& engine, std::integer_sequence<int, R...>) {
  engine.rows[V] = sizeof...(R);
  ((engine.tile[V][R + 1] = tile<E, V, R + 1>), ...);
}
