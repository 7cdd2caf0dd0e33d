// RUN: burin-opt --group=clamps %s | FileCheck %s
// A clamp becomes lo and hi of its producer, which takes the activation's name.

// CHECK: nn.binary {{.*}}fn = "add", hi = 4.000000e+00 : f32, lo = 0.000000e+00 : f32, names = ["activated"]
// CHECK-NOT: nn.unary
// CHECK: nn.output
nn.graph @main {
  %x = nn.input "x" : tensor<4xf32>
  %y = nn.input "y" : tensor<4xf32>
  %s = nn.binary %x, %y {fn = "add", names = ["sum"]} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = nn.unary %s {fn = "relu", names = ["relu"]} : (tensor<4xf32>) -> tensor<4xf32>
  %c = nn.unary %r {fn = "clip", alpha = -1.0 : f32, beta = 4.0 : f32, names = ["activated"]} : (tensor<4xf32>) -> tensor<4xf32>
  nn.output %c : tensor<4xf32> {names = ["out"]}
}
