# MLIR 22 from Debian, linked fully static: 1.4 ms start-up against 15-19 ms with libMLIR.so.
list(APPEND CMAKE_PREFIX_PATH /usr/lib/llvm-22)
find_package(MLIR REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH "${MLIR_CMAKE_DIR}" "${LLVM_CMAKE_DIR}")
include(TableGen)
include(AddLLVM)
include(AddMLIR)
# Debian exports every MLIR archive as linking the LLVM dylib; point them at the archives instead.
foreach(target ${MLIR_EXPORTED_TARGETS})
  get_target_property(libs ${target} INTERFACE_LINK_LIBRARIES)
  if(libs)
    list(TRANSFORM libs REPLACE "^LLVM$" "LLVMSupport;LLVMRemarks;LLVMBitstreamReader")
    set_property(TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES "${libs}")
  endif()
endforeach()
# mlir_tablegen takes its search path from the directory property.
include_directories(SYSTEM ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
add_library(burin_mlir INTERFACE)
target_include_directories(burin_mlir SYSTEM INTERFACE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
target_include_directories(burin_mlir INTERFACE ${CMAKE_BINARY_DIR})
separate_arguments(llvm_defs NATIVE_COMMAND ${LLVM_DEFINITIONS})
target_compile_options(burin_mlir INTERFACE ${llvm_defs})
target_link_libraries(burin_mlir INTERFACE
  MLIRIR MLIRParser MLIRPass MLIRTransforms MLIRQuantDialect MLIRBytecodeWriter MLIRBytecodeReader MLIRSupport
  MLIRInferTypeOpInterface MLIRSideEffectInterfaces)

find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)

# burin_protobuf_schema(NAME): library burin_NAME_schema of schema/NAME.proto, with header schema/NAME.pb.h; what includes
# that depends on burin_NAME_schema_header.
function(burin_protobuf_schema name)
  find_package(Protobuf REQUIRED)
  set(proto ${CMAKE_SOURCE_DIR}/schema/${name}.proto)
  set(pb ${CMAKE_BINARY_DIR}/schema/${name}.pb)
  add_custom_command(OUTPUT ${pb}.cc ${pb}.h DEPENDS ${proto}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/schema
    COMMAND protobuf::protoc --proto_path=${CMAKE_SOURCE_DIR} --cpp_out=${CMAKE_BINARY_DIR} ${proto})
  # Generated code: not held to our warnings.
  add_library(burin_${name}_schema STATIC ${pb}.cc)
  target_compile_options(burin_${name}_schema PRIVATE -w -ffunction-sections -fdata-sections)
  target_include_directories(burin_${name}_schema SYSTEM PUBLIC ${CMAKE_BINARY_DIR})
  target_link_libraries(burin_${name}_schema PUBLIC protobuf::libprotobuf-lite)
  add_custom_target(burin_${name}_schema_header DEPENDS ${pb}.h)
endfunction()
