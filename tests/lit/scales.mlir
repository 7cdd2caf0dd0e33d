// RUN: burin-opt --group=scales %s | FileCheck %s
// s * (W x + b) + t = (s W) x + (s b + t)

// CHECK: nn.constant {{.*}}dense<{{\[\[\[\[}}2.0{{.*}}6.0
// CHECK: nn.constant {{.*}}dense<[5.000000e-01, -3.500000e+00]>
// CHECK: nn.conv {{.*}}names = ["scaled"]
// CHECK-NOT: nn.binary
// CHECK: nn.output
nn.graph @main {
  %x = nn.input "x" : tensor<1x1x2x2xf32>
  %w = nn.constant dense<[[[[2.0]]], [[[3.0]]]]> : tensor<2x1x1x1xf32>
  %b = nn.constant dense<[0.5, -2.0]> : tensor<2xf32>
  %c = nn.conv %x, %w, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, groups = 1 : i64} : (tensor<1x1x2x2xf32>, tensor<2x1x1x1xf32>, tensor<2xf32>) -> tensor<1x2x2x2xf32>
  %s = nn.constant dense<[[[[1.0]], [[2.0]]]]> : tensor<1x2x1x1xf32>
  %t = nn.constant dense<[[[[0.0]], [[0.5]]]]> : tensor<1x2x1x1xf32>
  %m = nn.binary %c, %s {fn = "mul"} : (tensor<1x2x2x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  %y = nn.binary %m, %t {fn = "add", names = ["scaled"]} : (tensor<1x2x2x2xf32>, tensor<1x2x1x1xf32>) -> tensor<1x2x2x2xf32>
  nn.output %y : tensor<1x2x2x2xf32> {names = ["y"]}
}
