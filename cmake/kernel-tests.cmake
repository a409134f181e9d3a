# sluice-kernel-tests: ggml's matrix products against a plain sum. And the same with ggml's AMX code
# on tiles in software, where this machine has AVX-512 VNNI, with or without AMX: the program
# sluice-kernel-tests-soft-amx, and the addon sluice-soft-amx.node for tests of whole replies.

file(GLOB kernel_test_sources CONFIGURE_DEPENDS native/llama/test/kernels/*.cpp)
set(soft_amx_header "${CMAKE_CURRENT_SOURCE_DIR}/native/llama/test/soft-amx/soft-amx.h")

function(sluice_add_kernel_tests name)
  add_executable(${name} EXCLUDE_FROM_ALL ${kernel_test_sources} ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${SLUICE_RESULT_DIR}")
  target_include_directories(${name} PRIVATE native)
  target_include_directories(${name} SYSTEM PRIVATE
    $<TARGET_PROPERTY:ggml,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(${name} PRIVATE sluice-warnings ggml Threads::Threads ${CMAKE_DL_LIBS})
endfunction()

if(kernel_test_sources)
  sluice_add_kernel_tests(sluice-kernel-tests)
endif()

if(NOT EXISTS "${soft_amx_header}")
  return()
endif()
set(SLUICE_SOFT_AMX OFF)
if(TARGET ggml-cpu AND GGML_NATIVE AND UNIX AND NOT APPLE AND NOT SLUICE_AMX_MISSING
   AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "-march=native -mamx-tile -mamx-int8")
  check_cxx_source_compiles("
    #if !defined(__AVX512VNNI__) || !defined(__AMX_INT8__)
    #error
    #endif
    int main() {}" SLUICE_CAN_SOFT_AMX)
  unset(CMAKE_REQUIRED_FLAGS)
  set(SLUICE_SOFT_AMX ${SLUICE_CAN_SOFT_AMX})
endif()

# The three sources of ggml-cpu that differ where there is AMX. As objects: the linker then leaves
# the library's own in the library.
if(SLUICE_SOFT_AMX)
  get_target_property(cpu_folder ggml-cpu SOURCE_DIR)
  set(soft_amx_sources ggml-cpu.cpp amx/amx.cpp amx/mmq.cpp)
  list(TRANSFORM soft_amx_sources PREPEND "${cpu_folder}/ggml-cpu/")
  add_library(sluice-soft-amx-kernels OBJECT EXCLUDE_FROM_ALL ${soft_amx_sources})
  foreach(property COMPILE_DEFINITIONS COMPILE_OPTIONS INCLUDE_DIRECTORIES)
    get_target_property(values ggml-cpu ${property})
    if(values)
      set_target_properties(sluice-soft-amx-kernels PROPERTIES ${property} "${values}")
    endif()
  endforeach()
  target_compile_options(sluice-soft-amx-kernels PRIVATE
    -mamx-tile -mamx-int8 -w -include "${soft_amx_header}")
  set_source_files_properties(${soft_amx_sources}
    TARGET_DIRECTORY sluice-soft-amx-kernels PROPERTIES OBJECT_DEPENDS "${soft_amx_header}")
  target_link_libraries(sluice-soft-amx-kernels PRIVATE ggml-base)

  sluice_add_kernel_tests(sluice-kernel-tests-soft-amx $<TARGET_OBJECTS:sluice-soft-amx-kernels>)

  sluice_add_variant(sluice-soft-amx $<TARGET_OBJECTS:sluice-soft-amx-kernels>)
else()
  # So that a build of all tests need not know of it.
  add_custom_target(sluice-kernel-tests-soft-amx)
  add_custom_target(sluice-soft-amx)
endif()
