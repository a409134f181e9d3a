#include "memory/host-memory.h"

#include "test/check.h"

using sluice::affordable_cache;
using sluice::affordable_context;
using sluice::ContextNeed;
using sluice::Device;
using sluice::DeviceKind;
using sluice::expected_cache;
using sluice::is_ample;
using sluice::memory_shortage;
using sluice::MemoryPlan;
using sluice::RoughNeed;
using sluice::words_of;

namespace {

constexpr uint64_t kMiB = uint64_t(1) << 20, kGiB = uint64_t(1) << 30;
// Of a token of a model of 8 billion parameters, f16.
constexpr uint64_t kCell = 128 << 10;

MemoryPlan plan(uint64_t kv, uint64_t compute, uint64_t weights = 0, uint64_t copied = 0) {
  MemoryPlan plan;
  plan.host.kv = kv;
  plan.host.compute = compute;
  plan.host.weights = weights;
  plan.host.copied = copied;
  return plan;
}

}  // namespace

TEST("host memory: a context is what a quarter of free memory has room for") {
  struct Row {
    const char* what;
    ContextNeed need;
    uint64_t free;
    int32_t context;
  };
  const Row rows[] = {
      {"ample", {8192, 4, kCell, 0}, 64 * kGiB, 8192},
      {"just enough", {8192, 4, kCell, 0}, 16 * kGiB, 8192},
      {"less", {8192, 4, kCell, 0}, 16 * kGiB - 1, 7936},
      {"half", {8192, 4, kCell, 0}, 8 * kGiB, 4096},
      {"many sequences", {8192, 32, kCell, 0}, 16 * kGiB, 1024},
      {"the least", {8192, 256, kCell, 0}, 16 * kGiB, 512},
      {"a model of a short context", {256, 256, kCell, 0}, kGiB, 256},
      {"a draft model", {8192, 3, kCell, kCell}, 8 * kGiB, 4096},
      {"nothing is free", {8192, 1, kCell, 0}, 0, 512},
      {"a state and no cells", {8192, 4, 0, 0}, kGiB, 8192},
      {"beyond 32 bits", {1 << 30, 256, 1 << 30, 0}, uint64_t(1) << 62, 4194304},
  };
  for (const Row& row : rows) {
    const int32_t context = affordable_context(row.need, row.free);
    CHECK_EQ(std::string(row.what) + " " + std::to_string(context),
             std::string(row.what) + " " + std::to_string(row.context));
  }
}

TEST("host memory: a plan has room up to the last byte of what is free") {
  struct Row {
    const char* what;
    MemoryPlan plan;
    uint64_t least;  // that must be free
  };
  const Row rows[] = {
      {"cells and buffers", plan(3 * kGiB, 200 * kMiB), 3 * kGiB + 200 * kMiB},
      {"weights that are mapped", plan(kGiB, 0, 90 * kGiB), kGiB},
      {"weights that are copied", plan(kGiB, 0, 90 * kGiB, 5 * kGiB), 6 * kGiB},
      {"beyond 32 bits", plan(uint64_t(1) << 45, 0), uint64_t(1) << 45},
  };
  for (const Row& row : rows) {
    CHECK_EQ(std::string(row.what) + memory_shortage({}, row.plan, {row.least}), row.what);
    CHECK(!memory_shortage({}, row.plan, {row.least - 1}).empty());
    CHECK(!memory_shortage({}, row.plan, {}).empty());
  }
  CHECK_EQ(memory_shortage({}, plan(0, 0), {}), "");
}

TEST("host memory: a shortage says what is needed, what is free and what to do") {
  CHECK_EQ(memory_shortage({}, plan(16 * kGiB, 100 * kMiB, 9 * kGiB, 4 * kGiB), {8 * kGiB}),
           "KV cache and states need 16384 MiB, weights that are copied 4096 MiB and computing "
           "100 MiB, together 20580 MiB, and 8192 MiB of memory are free; lower parallel, context "
           "or kvCells, or use a smaller kvType");
  CHECK_EQ(words_of({8 * kGiB, 3 * kGiB}),
           "8192 MiB of memory are free beside the 3072 MiB of this process's other engines");
}

TEST("host memory: kept states get an eighth of what is free, in whole MiB, and 2 GiB at most") {
  CHECK_EQ(affordable_cache(0, UINT64_MAX), uint64_t(0));
  CHECK_EQ(affordable_cache(8 * kMiB - 1, UINT64_MAX), uint64_t(0));
  CHECK_EQ(affordable_cache(8 * kMiB, UINT64_MAX), kMiB);
  CHECK_EQ(affordable_cache(10 * kGiB + 1, UINT64_MAX), 1280 * kMiB);
  CHECK_EQ(affordable_cache(8 * kGiB, 512 * kMiB - 1), 511 * kMiB);  // not what the engine took
  CHECK_EQ(affordable_cache(16 * kGiB, UINT64_MAX), 2 * kGiB);
  CHECK_EQ(affordable_cache(uint64_t(1) << 62, UINT64_MAX), 2 * kGiB);
}

TEST("host memory: states that may take more than there is are expected to take an eighth") {
  CHECK_EQ(expected_cache(0, 0), uint64_t(0));
  CHECK_EQ(expected_cache(0, kGiB), uint64_t(0));
  CHECK_EQ(expected_cache(kGiB, kGiB), kGiB);
  CHECK_EQ(expected_cache(kGiB, 2 * kGiB), kGiB);
  CHECK_EQ(expected_cache(kGiB + 1, kGiB), 128 * kMiB);
  CHECK_EQ(expected_cache(uint64_t(1) << 40, 8 * kMiB - 1), uint64_t(0));
}

TEST("host memory: of devices only the integrated ones are in the system's memory") {
  MemoryPlan on_device = plan(kGiB, 100 * kMiB);
  on_device.devices = {{2 * kGiB, kGiB, 100 * kMiB}};
  Device device;
  device.kind = DeviceKind::gpu;
  CHECK_EQ(memory_shortage({device}, on_device, {kGiB + 100 * kMiB}), "");
  CHECK(!memory_shortage({device}, on_device, {kGiB + 100 * kMiB - 1}).empty());
  device.kind = DeviceKind::integrated;
  CHECK_EQ(memory_shortage({device}, on_device, {4 * kGiB + 200 * kMiB}), "");
  CHECK_EQ(memory_shortage({device}, on_device, {4 * kGiB}),
           "KV cache and states need 1024 MiB, what the integrated GPU holds 3172 MiB and "
           "computing 100 MiB, together 4296 MiB, and 4096 MiB of memory are free; lower "
           "parallel, context or kvCells, or use a smaller kvType");
}

TEST("host memory: what is far from being short of is not measured") {
  CHECK(is_ample(RoughNeed{4 * kGiB, 2 * kGiB}, 9 * kGiB));
  CHECK(!is_ample(RoughNeed{4 * kGiB, 2 * kGiB}, 9 * kGiB - 1));
  CHECK(!is_ample(RoughNeed{0, 0}, kGiB - 1));
  CHECK(!is_ample(RoughNeed{0, 0, false}, 64 * kGiB));
}
