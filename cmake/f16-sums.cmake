# Where a processor has AVX-512 FP16 (Xeons since 2023), and ggml is tuned for this machine, ggml sums
# products of f16 numbers in f16: eleven bits, and infinity beyond 65504. Sums are in f32 everywhere
# else, as on the same processor with a package's binaries. So that part of the processor is left
# out; native/llama/test/kernels looks at the sums.

include(CheckCXXCompilerFlag)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  check_cxx_compiler_flag(-mno-avx512fp16 SLUICE_KNOWS_AVX512FP16)
endif()
if(SLUICE_KNOWS_AVX512FP16)
  sluice_cpu_targets(cpu_targets)
  foreach(target IN LISTS cpu_targets)
    target_compile_options(${target} PRIVATE -mno-avx512fp16)
  endforeach()
endif()
