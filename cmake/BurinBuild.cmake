# Compiler flags and the two functions every folder uses: burin_library() and burin_test().
add_library(burin_flags INTERFACE)
target_compile_options(burin_flags INTERFACE
  -Wall -Wextra -Werror -Wno-unused-parameter -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  # Float results are part of the specification: no contraction or reassociation by the compiler.
  -ffp-contract=off -fno-fast-math -ffunction-sections -fdata-sections)
target_include_directories(burin_flags INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/runtime/include)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # A compiler cache takes precompiled headers of two checkouts for the same only when they hold no times.
  list(PREPEND CMAKE_CXX_COMPILE_OPTIONS_CREATE_PCH -Xclang -fno-pch-timestamp)
  # std::stable_sort of libstdc++ 12 uses what clang 22 calls deprecated.
  target_compile_options(burin_flags INTERFACE -Wno-deprecated-declarations)
  target_link_options(burin_flags INTERFACE -fuse-ld=lld-22)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC 12: std::string concatenation (bug 105651), bounds after inlining, GoogleTest's macros.
  target_compile_options(burin_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-dangling-else)
endif()
target_link_options(burin_flags INTERFACE -Wl,--gc-sections -Wl,--as-needed)
if(BURIN_SANITIZE)
  # -g1: the lines of a stack trace; more would double the time to compile.
  target_compile_options(burin_flags INTERFACE -fsanitize=${BURIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  target_link_options(burin_flags INTERFACE -fsanitize=${BURIN_SANITIZE})
endif()

set(BURIN_GTEST_SOURCE "" CACHE PATH "GoogleTest's sources: for processors that the system has no library for")
if(BURIN_TESTS AND BURIN_GTEST_SOURCE)
  set(BUILD_GMOCK OFF CACHE BOOL "")
  set(INSTALL_GTEST OFF CACHE BOOL "")
  add_subdirectory(${BURIN_GTEST_SOURCE} ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
endif()

# All programs of burin_test().
add_custom_target(burin_unit_tests)

# burin_library(NAME [DEPS...]): all *.cpp of the current folder except *_test.cpp.
function(burin_library name)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  add_library(${name} STATIC ${sources})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_link_libraries(${name} PUBLIC burin_flags ${ARGN})
endfunction()

# The program that owns the precompiled headers of tests; it does nothing. A library's objects would be of another kind
# (-fPIC), and a test would bring all that it links to every other one.
function(burin_test_headers)
  if(TARGET burin_test_headers)
    return()
  endif()
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/burin_test_headers.cpp CONTENT "int main() {}\n")
  add_executable(burin_test_headers EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/burin_test_headers.cpp)
  target_compile_features(burin_test_headers PRIVATE cxx_std_20)
  target_compile_definitions(burin_test_headers PRIVATE BURIN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(burin_test_headers PRIVATE burin_flags burin_mlir fmt::fmt GTest::gtest)
  target_precompile_headers(burin_test_headers PRIVATE ${CMAKE_SOURCE_DIR}/lib/nn/pch.h <gtest/gtest.h>)
endfunction()

# burin_test(NAME [MLIR] [DEPS...] [EXCLUDE folders...]): one GoogleTest program of all *_test.cpp below the current folder,
# but for sub-folders that have a test program of their own. MLIR: its files include that, which takes longer to read
# than they do; all such programs share one set of precompiled headers.
function(burin_test name)
  cmake_parse_arguments(arg "MLIR" "" "EXCLUDE" ${ARGN})
  if(NOT BURIN_TESTS)
    return()
  endif()
  if(NOT TARGET GTest::gtest)
    find_package(GTest REQUIRED)
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *_test.cpp)
  foreach(folder ${arg_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "/${folder}/[^/]*$")
  endforeach()
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_definitions(${name} PRIVATE BURIN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE burin_flags GTest::gtest GTest::gtest_main ${arg_UNPARSED_ARGUMENTS})
  if(arg_MLIR)
    burin_test_headers()
    target_precompile_headers(${name} REUSE_FROM burin_test_headers)
  endif()
  add_dependencies(burin_unit_tests ${name})
  add_test(NAME ${name} COMMAND ${name})
endfunction()
enable_testing()
