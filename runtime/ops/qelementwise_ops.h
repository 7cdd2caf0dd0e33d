// The rules and factories of integer elementwise ops.
#pragma once

#include "runtime/kernels/data_kernels.h"
#include "runtime/numerics/elementwise.h"
#include "runtime/numerics/elementwise_tflite.h"
#include "runtime/ops/quantize_ops.h"

namespace burin::rt {

enum class QBinaryFn : uint8_t {
  Add,
  Sub,
  Mul,
  Min,
  Max,
  SquaredDifference, // from here on of the rule tflite alone
  Prelu,
  Div,
  Equal, // comparisons
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
};

// Everything the arithmetic of a qnn.binary needs.
struct QBinaryRule {
  QBinaryFn fn = QBinaryFn::Add;
  AddParameters add;                    // add, sub; zero points and clamp of every fn
  Requant rescaleA, rescaleB;           // min, max: each operand to the result's scale; mul: rescaleA alone
  PairTflite pair;                      // the functions of qelementwise_tflite.cpp
  const DataKernels* kernels = nullptr; // loops of the policies
  bool wideProduct = false;             // mul whose products need more than 32 bits
};
bool readBinaryRule(const Node& node, Isa isa, QBinaryRule& rule, std::string& error);

// a[i] = fn(a[i], b[i]) on stored integers.
void binaryRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule);

// The functions of the rule tflite alone: checks, numbers, rows.
bool isPairFn(QBinaryFn fn);
bool isComparison(QBinaryFn fn);
bool checkPair(const Signature& signature, std::string& error);
bool readPair(const Node& node, QBinaryFn fn, PairTflite& pair, std::string& error);
void pairRow(int32_t* a, const int32_t* b, int64_t count, const QBinaryRule& rule);

bool inferQBinary(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferLut(const Signature& signature, std::vector<TensorType>& results, std::string& error);
std::unique_ptr<Kernel> makeQBinary(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeLut(const Node& node, const KernelConfig& config, std::string& error);

} // namespace burin::rt
