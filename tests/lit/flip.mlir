// RUN: burin-opt --flip --group=movement --group=constants %s | FileCheck %s
// An elementwise region between a transpose and its inverse moves to the other side; axes and constants follow.

// CHECK-NOT: nn.transpose
// CHECK: nn.unary %{{.*}} {fn = "tanh"} : (tensor<1x2x3x3xf32>)
// CHECK: nn.constant {{.*}} : tensor<1x2x1x1xf32>
// CHECK: nn.binary {{.*}}fn = "add"
// CHECK: nn.softmax {{.*}}axis = 1
// CHECK-NOT: nn.transpose
// CHECK: nn.output
nn.graph @main {
  %x = nn.input "x" : tensor<1x2x3x3xf32>
  %t = nn.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x2x3x3xf32>) -> tensor<1x3x3x2xf32>
  %u = nn.unary %t {fn = "tanh"} : (tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32>
  %b = nn.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %a = nn.binary %u, %b {fn = "add"} : (tensor<1x3x3x2xf32>, tensor<2xf32>) -> tensor<1x3x3x2xf32>
  %s = nn.softmax %a {axis = 3 : i64} : (tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32>
  %y = nn.transpose %s {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x3x3x2xf32>) -> tensor<1x2x3x3xf32>
  nn.output %y : tensor<1x2x3x3xf32> {names = ["y"]}
}

// A region before a transpose moves behind it where that leaves less to move: the pad can go into the convolution's window then.
// CHECK: nn.graph @before
// CHECK: nn.transpose {{.*}} -> tensor<1x2x3x3xf32>
// CHECK: nn.pad {{.*}}pads = array<i64: 0, 0, 1, 1, 0, 0, 1, 1>
// CHECK-NOT: nn.transpose
// CHECK: nn.output
nn.graph @before {
  %x = nn.input "x" : tensor<1x3x3x2xf32>
  %p = nn.pad %x {mode = "constant", pads = array<i64: 0, 1, 1, 0, 0, 1, 1, 0>} : (tensor<1x3x3x2xf32>) -> tensor<1x5x5x2xf32>
  %y = nn.transpose %p {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x5x5x2xf32>) -> tensor<1x2x5x5xf32>
  nn.output %y : tensor<1x2x5x5xf32> {names = ["y"]}
}

// Not where a quantized model has integers of its own.
// CHECK: nn.graph @border
// CHECK: nn.input
// CHECK: nn.dequantize %{{.*}} : (tensor<1x3x3x2xui8>
// CHECK: nn.pad {{.*}}pads = array<i64: 0, 1, 1, 0, 0, 1, 1, 0>
// CHECK: nn.transpose
// CHECK: nn.output
nn.graph @border {
  %x = nn.input "x" : tensor<1x3x3x2xui8>
  %s = nn.constant dense<0.5> : tensor<f32>
  %z = nn.constant dense<3> : tensor<ui8>
  %d = nn.dequantize %x, %s, %z {axis = 0 : i64} : (tensor<1x3x3x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<1x3x3x2xf32>
  %p = nn.pad %d {mode = "constant", pads = array<i64: 0, 1, 1, 0, 0, 1, 1, 0>} : (tensor<1x3x3x2xf32>) -> tensor<1x5x5x2xf32>
  %y = nn.transpose %p {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x5x5x2xf32>) -> tensor<1x2x5x5xf32>
  nn.output %y : tensor<1x2x5x5xf32> {names = ["y"]}
}
