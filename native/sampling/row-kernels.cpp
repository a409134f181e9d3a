#include "sampling/row-kernels.h"

namespace sluice {

extern const RowKernels row_kernels_baseline;
#ifdef SLUICE_X86_ROW_KERNELS
extern const RowKernels row_kernels_avx2;
extern const RowKernels row_kernels_avx512;
#endif

std::vector<const RowKernels*> usable_row_kernels() {
  std::vector<const RowKernels*> usable;
#ifdef SLUICE_X86_ROW_KERNELS
  // These ask the operating system as well, which has to save the wider registers.
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (has_avx512) usable.push_back(&row_kernels_avx512);
  if (has_avx2) usable.push_back(&row_kernels_avx2);
#endif
  usable.push_back(&row_kernels_baseline);
  return usable;
}

const RowKernels& row_kernels() {
  static const RowKernels* best = usable_row_kernels().front();
  return *best;
}

}  // namespace sluice
