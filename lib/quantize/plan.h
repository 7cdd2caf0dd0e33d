// The quant plan: the only place where a precision decision is stored. Built from calibration and target, or
// read from the user; the quantizer does exactly what it says.
#pragma once

#include "lib/calibrate/table.h"
#include "lib/nn/module_io.h"
#include "lib/target/target.h"

#include <map>
#include <optional>

namespace burin::quantize {

// How one op is executed. The op is known by the name of its first result.
struct OpPlan {
  std::string name;
  std::string type; // "nn.conv", for the reader
  Precision precision = Precision::F32;
  bool floatResult = false;           // integer op whose accumulator becomes f32 (no rounding of the result)
  std::string source = "calibration"; // calibration, user, model
  std::string reason;                 // why it is not int8, or empty
  std::vector<double> biasCorrection; // added to the bias, real units per output channel; or empty
};

// Scale and zero point that a quantized model brings along.
struct LockedScale {
  float scale = 1;
  int32_t zeroPoint = 0;
  rt::DType dtype = rt::DType::I8; // i8, u8 or i16
  bool operator==(const LockedScale&) const = default;
};

// Whether tensors of a quantized model may have these integers.
constexpr bool mayBeLocked(rt::DType dtype) {
  return dtype == rt::DType::I8 || dtype == rt::DType::U8 || dtype == rt::DType::I16;
}

// The range a tensor's integers cover.
struct TensorPlan {
  std::string name;
  double threshold = 0, min = 0, max = 0; // as in the calibration table
  std::string source = "calibration";     // calibration, preprocess, user, model
  // Scale of each channel (axis 1) over the tensor's scale, in (0, 1], the largest 1; empty = one scale.
  std::vector<double> channels;
  std::optional<LockedScale> locked; // the range follows from it, not the other way round
};

struct QuantPlan {
  std::string graphHash, target, scheme, method;
  std::vector<OpPlan> ops;         // in graph order
  std::vector<TensorPlan> tensors; // in graph order

  const OpPlan* op(const std::string& name) const;
  const TensorPlan* tensor(const std::string& name) const;
  void index();
  void setBiasCorrection(const std::string& op, std::vector<double> correction);

private:
  std::map<std::string, size_t> opIndex_, tensorIndex_;
};

std::string toJson(const QuantPlan& plan);
Result<QuantPlan> planFromJson(const std::string& json, const std::string& path);

struct PlanOptions {
  Scheme scheme = Scheme::Asymmetric;
  Precision floatPrecision = Precision::F32;
  // Ranges of graph inputs that follow from their preprocessing: name -> [min, max].
  std::map<std::string, std::pair<double, double>> inputRanges;
};

// Decides precision and range of everything in a prepared graph. Fails when the table belongs to another
// graph or lacks a tensor that runs in integers.
Result<QuantPlan> buildPlan(nn::GraphOp graph, const std::string& graphHash, const CalibrationTable& table,
                            const Target& target, const PlanOptions& options);

// Why the op cannot run in integers on the target, as one reads it off the op alone; empty when it can.
// `asIs`: its scales are those of a quantized model.
std::string whyNotInteger(mlir::Operation* op, const Target& target, Scheme scheme,
                          Precision precision = Precision::Int8, bool asIs = false);
// What the op does to data, as far as a target cares.
OpClass classify(mlir::Operation* op);
// True for ops that keep stored integers and their scale: max pooling, reshapes, nearest resize, ...
bool keepsScale(mlir::Operation* op);
// True for what a recurrent layer carries from step to step, whose integers may be wider than its
// activations.
bool isState(mlir::Operation* op, mlir::Value v);
// True for convolutions and matrix products: where integer arithmetic pays.
bool isHeavy(mlir::Operation* op);

} // namespace burin::quantize
