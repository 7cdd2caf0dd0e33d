// RUN: burin-opt --names %s | FileCheck %s
// Outputs name their values, source names stay, others are named after their first named reader.

// CHECK: nn.unary {{.*}}fn = "exp", names = ["kept/exp"]
// CHECK: nn.unary {{.*}}fn = "tanh", names = ["kept"]
// CHECK: nn.unary {{.*}}fn = "tanh", names = ["kept_2"]
// CHECK: nn.reshape {{.*}}names = ["result"]
// CHECK: nn.output {{.*}}names = ["result"]
nn.graph @main {
  %x = nn.input "x" : tensor<4xf32>
  %a = nn.unary %x {fn = "exp"} : (tensor<4xf32>) -> tensor<4xf32>
  %b = nn.unary %a {fn = "tanh", names = ["kept"]} : (tensor<4xf32>) -> tensor<4xf32>
  %c = nn.unary %b {fn = "tanh", names = ["kept"]} : (tensor<4xf32>) -> tensor<4xf32>
  %d = nn.reshape %c {shape = array<i64: 2, 2>, names = ["other"]} : (tensor<4xf32>) -> tensor<2x2xf32>
  nn.output %d : tensor<2x2xf32> {names = ["result"]}
}
