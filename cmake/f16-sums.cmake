# Where a processor has AVX-512 FP16 (Xeons since 2023), and ggml is tuned for this machine, ggml sums
# products of f16 numbers in f16: eleven bits, and infinity beyond 65504. Sums are in f32 everywhere
# else, as on the same processor with a package's binaries. So ggml is not told of that part of the
# processor: one place asks for it (simd-mappings.h). native/llama/test/kernels looks at the sums.
# The compiler's own -mno-avx512fp16 is no way: GCC 14 has it back where there is AVX10.

if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang" AND NOT MSVC)
  sluice_cpu_targets(cpu_targets)
  foreach(target IN LISTS cpu_targets)
    target_compile_options(${target} PRIVATE -U__AVX512FP16__)
  endforeach()
endif()
