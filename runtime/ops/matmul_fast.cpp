#include "runtime/ops/matmul_fast.h"

#include "runtime/ops/conv_gemm.h"
#include "runtime/ops/conv_stage.h"
#include "runtime/ops/matmul_pack.h"

#include <algorithm>
#include <type_traits>

namespace burin::rt {

namespace {

// Rows of the left matrix. Row `index` of the product belongs to batch index / rows.
class MatrixRows final : public RowSource {
public:
  const uint8_t* base = nullptr;
  const MatMulLayout* layout = nullptr;
  int64_t elementBytes = 0, stagedStride = 0; // stagedStride > 0: rows lie one after the other
  int64_t firstRow = 0;
  int planes = 1;

  void fill(int64_t first, int64_t count, const uint8_t** table) const override {
    for (int64_t i = 0; i < count; ++i) table[i] = row(firstRow + first + i);
    for (int p = 1; p < planes; ++p) std::copy(table, table + count, table + p * count);
  }

private:
  const uint8_t* row(int64_t index) const {
    if (stagedStride > 0) return base + index * stagedStride;
    const MatMulGeometry& g = layout->geometry;
    return base + (layout->left.batchOffset(g.batch, index / g.rows) + index % g.rows * layout->left.row) *
                      elementBytes;
  }
};

class MatMulTileKernel final : public Kernel {
public:
  MatMulTileKernel(const Node& node, const MatMulLayout& layout, const TileEngine& engine,
                   IntegerOperands integers, int threads);

  // Sets the output stage; packs the right matrix when it is constant. False when memory is short.
  bool prepareFloat(const FloatClamp& clamp);
  bool prepareInteger(const IntegerOutput& output);

  void run(Context& context) override;
  size_t scratchBytes() const override {
    return stageBytes() + outputStageBytes() + packScratchBytes() * static_cast<size_t>(packScratches()) +
           static_cast<size_t>(threads_) * plan_.scratchBytes();
  }
  size_t packedBytes() const override { return weights_.size() + lanes_.size() + scale_.size(); }
  const char* name() const override { return engine_.name; }

private:
  const MatMulGeometry& geometry() const { return layout_.geometry; }
  // All batches meet the same right matrix: they are rows of one product.
  bool sharesRight() const { return sharesRight_; }
  int64_t totalRows() const { return geometry().batches() * geometry().rows; }
  bool needsStage() const;
  size_t depthBytes() const {
    return roundUp(static_cast<size_t>(std::max<int64_t>(geometry().depth, 1)),
                   static_cast<size_t>(engine_.group)) *
           static_cast<size_t>(engine_.elementBytes());
  }
  size_t stageBytes() const {
    return stages_ ? roundUp(static_cast<size_t>(totalRows()) * depthBytes(), kCacheLine) : 0;
  }
  size_t outputBytes() const { return dtypeBytes(node_.out().dtype()); }
  size_t outputStageBytes() const {
    return unstages_
               ? roundUp(static_cast<size_t>(totalRows() * geometry().columns) * outputBytes(), kCacheLine)
               : 0;
  }
  // Packed weights, their sums and the bias of one batch, where packing happens at run.
  size_t packScratchBytes() const {
    return roundUp(plan_.layout().weightBytes, kCacheLine) +
           2 * roundUp(plan_.layout().laneCount * 4, kCacheLine);
  }
  int packScratches() const { return packsAtLoad_ ? 0 : sharesRight() ? 1 : threads_; }

  void packBlocks(int64_t batch, int64_t begin, int64_t end, uint8_t* weights, uint8_t* lanes) const;
  void runBatch(int64_t batch, uint8_t* pack, uint8_t* own, MatrixRows rows, uint8_t* out) const;
  void stageRows(ThreadPool& pool, uint8_t* staged) const;
  void unstageRows(ThreadPool& pool, const uint8_t* staged) const;
  GemmOperands operandsFor(const uint8_t* weights, const uint8_t* lanes, uint8_t* out) const;

  const Node& node_;
  MatMulLayout layout_;
  const TileEngine& engine_;
  IntegerOperands integers_;
  int threads_;
  bool sharesRight_ = true, packsAtLoad_ = false, stages_ = false, unstages_ = false;
  GemmPlan plan_;
  AlignedBuffer weights_, lanes_, scale_; // lanes_: sums over the depth, then the bias
  IntegerOutput output_;
  int32_t stagedZero_ = 0;
  GemmOperands operands_{};
};

// The result's rows are evenly spaced over all batches.
bool hasEvenRows(const MatMulLayout& layout) {
  const MatMulGeometry& g = layout.geometry;
  if (g.columns > 1 && layout.result.column != 1) return false;
  int64_t span = g.rows > 1 ? layout.result.row : std::max(layout.result.row, g.columns);
  span *= g.rows;
  for (int i = g.batch.rank - 1; i >= 0; --i) {
    if (g.batch[i] > 1 && layout.result.batch[i] != span) return false;
    span *= g.batch[i];
  }
  return true;
}

int64_t rowStride(const MatMulLayout& layout) {
  const MatMulGeometry& g = layout.geometry;
  return g.rows > 1 ? layout.result.row : std::max(layout.result.row, g.columns);
}

MatMulTileKernel::MatMulTileKernel(const Node& node, const MatMulLayout& layout, const TileEngine& engine,
                                   IntegerOperands integers, int threads)
    : node_(node), layout_(layout), engine_(engine), integers_(std::move(integers)), threads_(threads) {
  const MatMulGeometry& g = layout.geometry;
  for (int i = 0; i < g.batch.rank; ++i)
    sharesRight_ = sharesRight_ && (g.batch[i] == 1 || layout.right.batch[i] == 0);
  packsAtLoad_ = sharesRight_ && node.in(1).constant && isConstantOrAbsent(node, 2);
  stages_ = needsStage();
  unstages_ = !hasEvenRows(layout);
  const int64_t rows = sharesRight_ ? totalRows() : g.rows;
  plan_ =
      GemmPlan(PackLayout(engine, 1, g.columns, integers_.planes, g.depth), rows, sharesRight_ ? threads : 1);
  scale_ = AlignedBuffer(plan_.layout().laneCount * 4);
}

bool MatMulTileKernel::needsStage() const {
  const DType dtype = node_.in(0).dtype();
  const bool isStored = engine_.element == RowElement::F32  ? true
                        : engine_.element == RowElement::U8 ? dtype == DType::U8
                                                            : dtype == DType::I16;
  return !isStored || (geometry().depth > 1 && layout_.left.column != 1) ||
         geometry().depth % engine_.group != 0;
}

GemmOperands MatMulTileKernel::operandsFor(const uint8_t* weights, const uint8_t* lanes, uint8_t* out) const {
  GemmOperands operands = operands_;
  operands.weights = weights;
  operands.bias = lanes + roundUp(plan_.layout().laneCount * 4, kCacheLine);
  operands.out = out;
  return operands;
}

// Blocks [begin, end) of a batch's right matrix, and their lanes' first sums: the bias less the zero point's
// share.
void MatMulTileKernel::packBlocks(int64_t batch, int64_t begin, int64_t end, uint8_t* weights,
                                  uint8_t* lanes) const {
  const PackLayout& layout = plan_.layout();
  const Tensor& b = node_.in(1);
  const RightMatrix matrix{b.as<const uint8_t>() + layout_.right.batchOffset(geometry().batch, batch) *
                                                       static_cast<int64_t>(dtypeBytes(b.dtype())),
                           b.dtype(),
                           layout_.right.row,
                           layout_.right.column,
                           geometry().depth,
                           integers_.planes};
  uint32_t* sums = reinterpret_cast<uint32_t*>(lanes);
  uint8_t* bias = lanes + roundUp(layout.laneCount * 4, kCacheLine);
  for (int64_t i = begin; i < end; ++i) {
    const OutputBlock& block = layout.blocks[static_cast<size_t>(i)];
    packMatrixBlock(layout, block, matrix, integers_.wZero.data(), weights, sums + block.lanes);
    for (int lane = 0; lane < block.channels; ++lane) {
      const int64_t column = block.firstChannel + lane;
      const size_t at = block.lanes + static_cast<size_t>(lane);
      if (engine_.element == RowElement::F32)
        reinterpret_cast<float*>(bias)[at] = floatBias(node_, column);
      else
        reinterpret_cast<uint32_t*>(bias)[at] =
            integerBias(node_, column) - static_cast<uint32_t>(stagedZero_) * sums[at];
    }
  }
}

bool MatMulTileKernel::prepareFloat(const FloatClamp& clamp) {
  operands_.store = TileStore::Float;
  operands_.low = clamp.low;
  operands_.high = clamp.high;
  return prepareInteger(IntegerOutput());
}

bool MatMulTileKernel::prepareInteger(const IntegerOutput& output) {
  const PackLayout& layout = plan_.layout();
  if (!scale_.data()) return false;
  operands_.outElementBytes = static_cast<int>(outputBytes());
  operands_.outStride = (unstages_ ? geometry().columns : rowStride(layout_)) * operands_.outElementBytes;
  if (engine_.element != RowElement::F32) {
    output_ = output;
    stagedZero_ = integers_.xZero + stagingShift(node_.in(0).dtype(), engine_.element);
    const bool isFused = geometry().columns > 0 && output.isFloatToBytes();
    if (isFused)
      packLanes<float>(layout, scale_.data(),
                       [&](int64_t column) { return output.rules()[static_cast<size_t>(column)].scale; });
    operands_.store = isFused ? TileStore::Bytes : TileStore::Raw;
    operands_.scale = scale_.data();
    if (isFused) operands_.bytes = output.bytes();
    operands_.output = &output_;
  }
  if (!packsAtLoad_) return true;
  weights_ = AlignedBuffer(layout.weightBytes);
  lanes_ = AlignedBuffer(2 * roundUp(layout.laneCount * 4, kCacheLine));
  if (!weights_.data() || !lanes_.data()) return false;
  packBlocks(0, 0, static_cast<int64_t>(layout.blocks.size()), weights_.data(), lanes_.data());
  return true;
}

void MatMulTileKernel::stageRows(ThreadPool& pool, uint8_t* staged) const {
  const MatMulGeometry& g = geometry();
  const Tensor& a = node_.in(0);
  const int32_t shift = stagingShift(a.dtype(), engine_.element);
  auto copy = [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    pool.parallelFor(totalRows(), 4, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const From* row = a.as<const From>() + layout_.left.batchOffset(g.batch, i / g.rows) +
                          i % g.rows * layout_.left.row;
        To* out = reinterpret_cast<To*>(staged + static_cast<size_t>(i) * depthBytes());
        for (int64_t k = 0; k < g.depth; ++k) {
          if constexpr (std::is_same_v<From, float>)
            out[k] = row[k * layout_.left.column];
          else
            out[k] = static_cast<To>(row[k * layout_.left.column] + shift);
        }
        std::fill(out + g.depth, reinterpret_cast<To*>(staged + static_cast<size_t>(i + 1) * depthBytes()),
                  To{0});
      }
    });
  };
  const bool isWide = engine_.element == RowElement::I16;
  if (engine_.element == RowElement::F32)
    copy(float{}, float{});
  else if (a.dtype() == DType::I8)
    isWide ? copy(int8_t{}, int16_t{}) : copy(int8_t{}, uint8_t{});
  else if (a.dtype() == DType::U8)
    isWide ? copy(uint8_t{}, int16_t{}) : copy(uint8_t{}, uint8_t{});
  else
    copy(int16_t{}, int16_t{});
}

void MatMulTileKernel::unstageRows(ThreadPool& pool, const uint8_t* staged) const {
  const MatMulGeometry& g = geometry();
  auto copy = [&](auto value) {
    using T = decltype(value);
    pool.parallelFor(totalRows(), 4, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const T* from = reinterpret_cast<const T*>(staged) + i * g.columns;
        T* to = node_.out().as<T>() + layout_.result.batchOffset(g.batch, i / g.rows) +
                i % g.rows * layout_.result.row;
        for (int64_t column = 0; column < g.columns; ++column)
          to[column * layout_.result.column] = from[column];
      }
    });
  };
  if (outputBytes() == 1)
    copy(uint8_t{});
  else if (outputBytes() == 2)
    copy(uint16_t{});
  else
    copy(uint32_t{});
}

void MatMulTileKernel::runBatch(int64_t batch, uint8_t* pack, uint8_t* own, MatrixRows rows,
                                uint8_t* out) const {
  uint8_t* lanes = pack + roundUp(plan_.layout().weightBytes, kCacheLine);
  packBlocks(batch, 0, static_cast<int64_t>(plan_.layout().blocks.size()), pack, lanes);
  rows.firstRow = batch * geometry().rows;
  const GemmOperands operands = operandsFor(pack, lanes, out + rows.firstRow * operands_.outStride);
  for (int64_t task = 0; task < plan_.tasks(); ++task) plan_.run(task, rows, operands, own);
}

void MatMulTileKernel::run(Context& context) {
  if (context.pool.threads() > threads_)
    return context.fail("the thread pool is larger than the kernels were made for");
  ThreadPool& pool = context.pool;
  uint8_t* scratch = context.scratch;
  MatrixRows rows;
  rows.base = node_.in(0).as<const uint8_t>();
  rows.layout = &layout_;
  rows.elementBytes = engine_.elementBytes();
  rows.planes = integers_.planes;
  if (stages_) {
    stageRows(pool, scratch);
    rows.base = scratch;
    rows.stagedStride = static_cast<int64_t>(depthBytes());
    scratch += stageBytes();
  }
  uint8_t* out = unstages_ ? scratch : node_.out().as<uint8_t>();
  scratch += outputStageBytes();
  uint8_t* packs = scratch;
  scratch += packScratchBytes() * static_cast<size_t>(packScratches());
  auto ownScratch = [&](int thread) { return scratch + static_cast<size_t>(thread) * plan_.scratchBytes(); };
  if (!sharesRight()) {
    pool.parallelFor(geometry().batches(), 1, [&](int64_t begin, int64_t end, int thread) {
      for (int64_t batch = begin; batch < end; ++batch)
        runBatch(batch, packs + static_cast<size_t>(thread) * packScratchBytes(), ownScratch(thread), rows,
                 out);
    });
  } else {
    uint8_t *weights = weights_.data(), *lanes = lanes_.data();
    if (!packsAtLoad_) {
      weights = packs;
      lanes = packs + roundUp(plan_.layout().weightBytes, kCacheLine);
      pool.parallelFor(static_cast<int64_t>(plan_.layout().blocks.size()), 1,
                       [&](int64_t begin, int64_t end, int) { packBlocks(0, begin, end, weights, lanes); });
    }
    const GemmOperands operands = operandsFor(weights, lanes, out);
    pool.parallelFor(plan_.tasks(), 1, [&](int64_t begin, int64_t end, int thread) {
      for (int64_t task = begin; task < end; ++task) plan_.run(task, rows, operands, ownScratch(thread));
    });
  }
  if (unstages_) unstageRows(pool, out);
}

bool isEmpty(const MatMulLayout& layout) { return layout.geometry.result.elements() == 0; }

} // namespace

std::unique_ptr<Kernel> makeMatMulFast(const Node& node, const MatMulLayout& layout,
                                       const KernelConfig& config) {
  const TileEngine* engine = floatTileEngine(config.isa);
  if (!engine || node.in(0).dtype() != DType::F32 || isEmpty(layout)) return nullptr;
  auto kernel = std::make_unique<MatMulTileKernel>(node, layout, *engine, IntegerOperands(), config.threads);
  return kernel->prepareFloat(FloatClamp(node.attrs)) ? std::move(kernel) : nullptr;
}

std::unique_ptr<Kernel> makeQMatMulFast(const Node& node, const MatMulLayout& layout,
                                        const KernelConfig& config, std::string& error) {
  const MatMulGeometry& g = layout.geometry;
  const TileProblem problem{node.in(0).dtype(), node.in(1).dtype(), g.batches() * g.rows, g.depth};
  const TileEngine* engine = integerTileEngine(config.isa, problem);
  if (!engine || isEmpty(layout)) return nullptr;
  IntegerOutput output;
  IntegerOperands integers;
  const int64_t columns = layout.geometry.columns;
  if (!readIntegerOperands(node, columns, engine->element, integers, error) ||
      !output.prepare(node, columns, error) || output.wide())
    return nullptr;
  output.chooseLoops(config.isa);
  auto kernel =
      std::make_unique<MatMulTileKernel>(node, layout, *engine, std::move(integers), config.threads);
  return kernel->prepareInteger(output) ? std::move(kernel) : nullptr;
}

} // namespace burin::rt
