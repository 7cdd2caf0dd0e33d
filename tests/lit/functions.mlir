// RUN: burin-opt --group=functions %s | FileCheck %s
// x * clip(x + 3, 0, 6) / 6 = hard_swish(x)

// CHECK: nn.unary %{{.*}} {fn = "hard_swish", names = ["act"]}
// CHECK-NOT: nn.binary
// CHECK: nn.output
nn.graph @main {
  %x = nn.input "x" : tensor<4xf32>
  %three = nn.constant dense<3.0> : tensor<f32>
  %six = nn.constant dense<6.0> : tensor<1xf32>
  %a = nn.binary %x, %three {fn = "add"} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %c = nn.unary %a {fn = "clip", alpha = 0.0 : f32, beta = 6.0 : f32} : (tensor<4xf32>) -> tensor<4xf32>
  %m = nn.binary %x, %c {fn = "mul"} : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %y = nn.binary %m, %six {fn = "div", names = ["act"]} : (tensor<4xf32>, tensor<1xf32>) -> tensor<4xf32>
  nn.output %y : tensor<4xf32> {names = ["y"]}
}
