// RUN: burin-opt --prepare %s | FileCheck %s
// An already quantized model keeps its nn.quantize and nn.dequantize, weights included; only dead ones go.

// CHECK-COUNT-2: nn.dequantize
// CHECK-NOT: nn.dequantize
// CHECK: nn.conv
// CHECK: nn.quantize
// CHECK: nn.output
nn.graph @main {
  %x = nn.input "x" : tensor<1x1x2x2xi8>
  %scale = nn.constant dense<0.5> : tensor<f32>
  %zero = nn.constant dense<0> : tensor<i8>
  %q = nn.constant dense<[[[[3]]]]> : tensor<1x1x1x1xi8>
  %xf = nn.dequantize %x, %scale, %zero {axis = 1 : i64, names = ["xf"]} : (tensor<1x1x2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<1x1x2x2xf32>
  %w = nn.dequantize %q, %scale, %zero {axis = 1 : i64} : (tensor<1x1x1x1xi8>, tensor<f32>, tensor<i8>) -> tensor<1x1x1x1xf32>
  %none = nn.none
  %c = nn.conv %xf, %w, %none {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>, none) -> tensor<1x1x2x2xf32>
  %y = nn.quantize %c, %scale, %zero {axis = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<f32>, tensor<i8>) -> tensor<1x1x2x2xi8>
  %dead = nn.dequantize %y, %scale, %zero {axis = 1 : i64} : (tensor<1x1x2x2xi8>, tensor<f32>, tensor<i8>) -> tensor<1x1x2x2xf32>
  nn.output %y : tensor<1x1x2x2xi8> {names = ["y"]}
}
