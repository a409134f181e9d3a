// Matrix products, ggml's and ours, against a plain sum in double precision, for each type of
// weights in each type of buffer that llama.cpp would choose for them. And our attention.
//
//   sluice-kernel-tests [--backend=PATH] [--list | --large | WORDS]
//
// PATH is a library of a CPU backend; without it the one that is linked in is tested. WORDS runs
// only what has them in its name. --large tests weights of more than 2 GiB in the buffers that
// llama.cpp likes best, and takes 5 GB. Prints the lines of JSON of native/test/check.h.

#include <cstring>
#include <iostream>

#include "llama/test/kernels/attention.h"
#include "llama/test/kernels/exact.h"
#include "llama/test/kernels/few-threads.h"
#include "llama/test/kernels/large.h"
#include "llama/test/kernels/table.h"
#include "test/check.h"

namespace {

// Those that a file's weights can have: the others are for inputs, or for numbers that are none.
bool is_weight_type(ggml_type type) {
  switch (type) {
    case GGML_TYPE_Q8_1:
    case GGML_TYPE_Q8_K:
    case GGML_TYPE_I8:
    case GGML_TYPE_I16:
    case GGML_TYPE_I32:
    case GGML_TYPE_I64:
    case GGML_TYPE_F64: return false;
    default: return ggml_blck_size(type) > 0;
  }
}

std::vector<kernels::Placement> placements_of(const kernels::CpuBackend& backend) {
  std::vector<kernels::Placement> placements;
  for (int i = 0; i < GGML_TYPE_COUNT; ++i) {
    const auto type = static_cast<ggml_type>(i);
    if (!is_weight_type(type)) continue;
    for (const auto buffer_type : backend.weight_buffer_types()) {
      for (const auto use : {kernels::Use::kProduct, kernels::Use::kProductByExpert}) {
        const kernels::Placement placement = {type, buffer_type, use};
        if (has_products(backend, placement)) placements.push_back(placement);
      }
    }
  }
  return placements;
}

template <typename Check>
bool run(const std::string& name, Check check) {
  std::string message;
  try {
    check();
  } catch (const std::exception& error) {
    message = error.what();
  }
  check::print_result(name, message);
  return message.empty();
}

// Beside the tables; `feature` is what the processor needs for it: our own kernels
// (native/llama/kernels) are for some.
struct Other {
  const char* name;
  const char* feature;
  void (*check)(const kernels::CpuBackend& backend);
};

const Other kOthers[] = {
#ifdef __linux__
    {"weights are put in AMX's order, and others, where there are no threads", "SSE3",
     kernels::check_without_threads},
#endif
    {"q8_0: a row's products are the same beside others", "AVX512_VNNI", kernels::check_q8_product},
    {"attention of prompts over f16", "AVX2", kernels::check_attention},
};

bool run_tables(const kernels::CpuBackend& backend, const std::string& words) {
  bool ok = true;
  for (const kernels::Placement& placement : placements_of(backend)) {
    const std::string name = name_of(placement);
    if (words == "--list")
      std::cout << check::quoted(name) << std::endl;
    else if (name.find(words) != std::string::npos)
      ok = run(name, [&] { check_products(backend, placement); }) && ok;
  }
  for (const Other& other : kOthers) {
    if (!backend.has_feature(other.feature)) continue;
    if (words == "--list")
      std::cout << check::quoted(other.name) << std::endl;
    else if (std::string(other.name).find(words) != std::string::npos)
      ok = run(other.name, [&] { other.check(backend); }) && ok;
  }
  return ok;
}

bool run_large(const kernels::CpuBackend& backend) {
  const auto buffer_type = backend.weight_buffer_types().front();
  return run(std::string("weights of more than 2 GiB in ") + ggml_backend_buft_name(buffer_type),
             [&] { check_large_weights(backend, buffer_type); });
}

}  // namespace

int main(int argc, char** argv) {
  std::string path;
  std::string words;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind("--backend=", 0) == 0)
      path = argument.substr(std::strlen("--backend="));
    else
      words = argument;
  }
  try {
    const kernels::CpuBackend backend(path);
    const bool ok = words == "--large" ? run_large(backend) : run_tables(backend, words);
    return ok ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << std::endl;
    return 2;
  }
}
