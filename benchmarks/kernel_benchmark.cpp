// Time of convolution and matrix product kernels per layer of well-known networks, against the measured peak
// of the machine's multiply-add instructions. Usage: kernel_benchmark [float|u8|i8] [network] [threads]
// BURIN_ISA chooses the instruction set.
#include "benchmarks/peak.h"
#include "runtime/core/isa.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace burin::rt;

struct Layer {
  const char* network;
  int count; // how often the network has it
  int64_t channels, size, outputs, kernel, stride, groups;
};

const Layer kLayers[] = {
    {"resnet18", 1, 3, 224, 64, 7, 2, 1},         {"resnet18", 4, 64, 56, 64, 3, 1, 1},
    {"resnet18", 1, 64, 56, 128, 1, 2, 1},        {"resnet18", 1, 64, 56, 128, 3, 2, 1},
    {"resnet18", 3, 128, 28, 128, 3, 1, 1},       {"resnet18", 1, 128, 28, 256, 1, 2, 1},
    {"resnet18", 1, 128, 28, 256, 3, 2, 1},       {"resnet18", 3, 256, 14, 256, 3, 1, 1},
    {"resnet18", 1, 256, 14, 512, 1, 2, 1},       {"resnet18", 1, 256, 14, 512, 3, 2, 1},
    {"resnet18", 3, 512, 7, 512, 3, 1, 1},        {"resnet18", 1, 512, 1, 1000, 1, 1, 1},
    {"mobilenet_v2", 1, 3, 224, 32, 3, 2, 1},     {"mobilenet_v2", 1, 32, 112, 32, 3, 1, 32},
    {"mobilenet_v2", 1, 32, 112, 16, 1, 1, 1},    {"mobilenet_v2", 1, 16, 112, 96, 1, 1, 1},
    {"mobilenet_v2", 1, 96, 112, 96, 3, 2, 96},   {"mobilenet_v2", 1, 96, 56, 24, 1, 1, 1},
    {"mobilenet_v2", 2, 24, 56, 144, 1, 1, 1},    {"mobilenet_v2", 1, 144, 56, 144, 3, 1, 144},
    {"mobilenet_v2", 1, 144, 56, 24, 1, 1, 1},    {"mobilenet_v2", 1, 144, 56, 144, 3, 2, 144},
    {"mobilenet_v2", 1, 144, 28, 32, 1, 1, 1},    {"mobilenet_v2", 3, 32, 28, 192, 1, 1, 1},
    {"mobilenet_v2", 2, 192, 28, 192, 3, 1, 192}, {"mobilenet_v2", 2, 192, 28, 32, 1, 1, 1},
    {"mobilenet_v2", 1, 192, 28, 192, 3, 2, 192}, {"mobilenet_v2", 1, 192, 14, 64, 1, 1, 1},
    {"mobilenet_v2", 4, 64, 14, 384, 1, 1, 1},    {"mobilenet_v2", 4, 384, 14, 384, 3, 1, 384},
    {"mobilenet_v2", 3, 384, 14, 64, 1, 1, 1},    {"mobilenet_v2", 1, 384, 14, 96, 1, 1, 1},
    {"mobilenet_v2", 3, 96, 14, 576, 1, 1, 1},    {"mobilenet_v2", 2, 576, 14, 576, 3, 1, 576},
    {"mobilenet_v2", 2, 576, 14, 96, 1, 1, 1},    {"mobilenet_v2", 1, 576, 14, 576, 3, 2, 576},
    {"mobilenet_v2", 1, 576, 7, 160, 1, 1, 1},    {"mobilenet_v2", 3, 160, 7, 960, 1, 1, 1},
    {"mobilenet_v2", 3, 960, 7, 960, 3, 1, 960},  {"mobilenet_v2", 2, 960, 7, 160, 1, 1, 1},
    {"mobilenet_v2", 1, 960, 7, 320, 1, 1, 1},    {"mobilenet_v2", 1, 320, 7, 1280, 1, 1, 1},
    {"mobilenet_v2", 1, 1280, 1, 1000, 1, 1, 1},  {"squeezenet", 1, 3, 227, 64, 3, 2, 1},
    {"squeezenet", 1, 64, 56, 16, 1, 1, 1},       {"squeezenet", 2, 16, 56, 64, 1, 1, 1},
    {"squeezenet", 2, 16, 56, 64, 3, 1, 1},       {"squeezenet", 1, 128, 56, 16, 1, 1, 1},
    {"squeezenet", 1, 128, 28, 32, 1, 1, 1},      {"squeezenet", 2, 32, 28, 128, 1, 1, 1},
    {"squeezenet", 2, 32, 28, 128, 3, 1, 1},      {"squeezenet", 1, 256, 28, 32, 1, 1, 1},
    {"squeezenet", 1, 256, 14, 48, 1, 1, 1},      {"squeezenet", 2, 48, 14, 192, 1, 1, 1},
    {"squeezenet", 2, 48, 14, 192, 3, 1, 1},      {"squeezenet", 1, 384, 14, 48, 1, 1, 1},
    {"squeezenet", 1, 384, 14, 64, 1, 1, 1},      {"squeezenet", 2, 64, 14, 256, 1, 1, 1},
    {"squeezenet", 2, 64, 14, 256, 3, 1, 1},      {"squeezenet", 1, 512, 14, 64, 1, 1, 1},
    {"squeezenet", 1, 512, 14, 1000, 1, 1, 1},
};

// Random tensors of one layer and its kernel.
class LayerRun {
public:
  LayerRun(const Layer& l, DType activation, int threads) : pool_(threads) {
    const bool isInteger = activation != DType::F32;
    const int64_t pad = l.kernel / 2, out = (l.size + 2 * pad - l.kernel) / l.stride + 1;
    node_.type = node_.name = isInteger ? "qnn.conv" : "nn.conv";
    node_.attrs.setInts("strides", {l.stride, l.stride});
    node_.attrs.setInts("pads", {pad, pad, pad, pad});
    node_.attrs.setInt("groups", l.groups);
    set(x_, activation, {1, l.channels, l.size, l.size});
    set(w_, isInteger ? DType::I8 : DType::F32, {l.outputs, l.channels / l.groups, l.kernel, l.kernel});
    set(bias_, isInteger ? DType::I32 : DType::F32, {l.outputs});
    set(multiplier_, DType::F32, {l.outputs});
    set(y_, activation, {1, l.outputs, out, out});
    node_.inputs = {&x_, &w_, &bias_};
    if (isInteger) {
      for (int64_t i = 0; i < l.outputs; ++i) multiplier_.as<float>()[i] = 1e-4f;
      node_.inputs.push_back(&multiplier_);
      node_.attrs.setText("requant", "float_half_even");
      x_.quant = y_.quant = {{1.0f}, {100}, -1};
    }
    node_.outputs = {&y_};
    multiplyAdds_ =
        static_cast<double>(out * out * l.outputs * (l.channels / l.groups) * l.kernel * l.kernel);
    kernel_ = findOp(node_.type)->make(node_, {detectIsa(), threads}, error_);
    if (kernel_) scratch_.resize(kernel_->scratchBytes() + 64);
  }

  // Best time of one run in seconds.
  double measure() {
    Context context{pool_, scratch_.data() + (64 - reinterpret_cast<uintptr_t>(scratch_.data()) % 64)};
    double best = 1e9, spent = 0;
    for (int i = 0; i < 200 && (spent < 0.08 || i < 3); ++i) {
      const auto start = std::chrono::steady_clock::now();
      kernel_->run(context);
      const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      best = std::min(best, seconds);
      spent += seconds;
    }
    return best;
  }
  double multiplyAdds() const { return multiplyAdds_; }
  const char* kernelName() const { return kernel_ ? kernel_->name() : error_.c_str(); }
  bool isValid() const { return kernel_ != nullptr; }

private:
  void set(Tensor& tensor, DType dtype, const Shape& shape) {
    static const uint8_t kChannelsLast[] = {0, 2, 3, 1};
    tensor.type = {dtype, shape};
    const int64_t span = computeStrides(shape, shape.rank == 4 ? kChannelsLast : nullptr, 0, tensor.stride);
    memory_.emplace_back(static_cast<size_t>(span) * dtypeBytes(dtype) + 64);
    tensor.data = memory_.back().data();
    tensor.constant = &tensor != &x_ && &tensor != &y_;
    for (int64_t i = 0; i < span; ++i) {
      if (dtype == DType::F32)
        tensor.as<float>()[i] = static_cast<float>(i % 17) * 0.1f - 0.8f;
      else if (dtypeBytes(dtype) == 1)
        tensor.as<uint8_t>()[i] = static_cast<uint8_t>(i * 37 + i / 256);
    }
  }

  Node node_;
  Tensor x_, w_, bias_, multiplier_, y_;
  std::vector<std::vector<uint8_t>> memory_;
  std::vector<uint8_t> scratch_;
  ThreadPool pool_;
  std::unique_ptr<Kernel> kernel_;
  std::string error_;
  double multiplyAdds_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  const std::string kind = argc > 1 ? argv[1] : "u8";
  const DType activation = kind == "float" ? DType::F32 : kind == "i8" ? DType::I8 : DType::U8;
  const bool isInteger = activation != DType::F32;
  const std::string wanted = argc > 2 ? argv[2] : "";
  const int threads = argc > 3 ? std::max(std::atoi(argv[3]), 1) : 1;
  const double peak =
      (isInteger ? burin::peakByteProducts(detectIsa()) : burin::peakFloatProducts(detectIsa())) * threads;
  std::printf("%s, %d thread(s), peak %.1f %s/s\n", isaName(detectIsa()), threads, 2e-9 * peak,
              isInteger ? "GOP" : "GFLOP");
  std::string network;
  double total = 0;
  for (const Layer& l : kLayers) {
    if (!wanted.empty() && wanted != l.network) continue;
    if (network != l.network) {
      if (!network.empty()) std::printf("%-13s %9.3f ms\n\n", network.c_str(), total * 1e3);
      network = l.network;
      total = 0;
    }
    LayerRun run(l, activation, threads);
    if (!run.isValid()) {
      std::printf("%s\n", run.kernelName());
      return 1;
    }
    const double seconds = run.measure();
    total += seconds * l.count;
    std::printf("%-13s %dx %4dx%-4d -> %4d k%d s%d %-4s %8.1f us %8.1f G/s %5.1f %%  %s\n", l.network,
                l.count, static_cast<int>(l.channels), static_cast<int>(l.size), static_cast<int>(l.outputs),
                static_cast<int>(l.kernel), static_cast<int>(l.stride), l.groups > 1 ? "dw" : "",
                seconds * 1e6, 2e-9 * run.multiplyAdds() / seconds,
                peak > 0 ? 100 * run.multiplyAdds() / seconds / peak : 0.0, run.kernelName());
  }
  if (!network.empty()) std::printf("%-13s %9.3f ms\n", network.c_str(), total * 1e3);
  return 0;
}
