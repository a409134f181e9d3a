// The check of a model's file against llama.cpp's reader of GGUF: what the check lets through, that
// reader takes, and both found the same in it. What it refuses never gets to llama.cpp.
#include "gguf/gguf-preflight.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "fuzz.h"
#include "gguf.h"
#include "gguf/gguf-header.h"

namespace {

using GgufPtr = std::unique_ptr<gguf_context, decltype(&gguf_free)>;

// A file in memory, always the same one.
class File {
 public:
  File() : descriptor_(memfd_create("fuzz.gguf", 0)) { MUST(descriptor_ >= 0); }

  void hold(const uint8_t* data, size_t size) const {
    MUST(ftruncate(descriptor_, 0) == 0);
    MUST(pwrite(descriptor_, data, size, 0) == ssize_t(size));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  const int descriptor_;
};

void check_same(const sluice::GgufHeader& ours, const gguf_context* theirs) {
  MUST(gguf_get_n_tensors(theirs) == int64_t(ours.tensors.size()));
  MUST(gguf_get_alignment(theirs) == ours.alignment);
  for (size_t i = 0; i < ours.tensors.size(); ++i) {
    const auto& tensor = ours.tensors[i];
    MUST(gguf_get_tensor_name(theirs, int64_t(i)) == std::string(tensor.name.c_str()));
    MUST(gguf_get_tensor_offset(theirs, int64_t(i)) == tensor.offset);
    MUST(gguf_get_tensor_size(theirs, int64_t(i)) == tensor.bytes);
  }
  for (const auto& [key, numbers] : ours.metadata.numbers) {
    const int64_t id = gguf_find_key(theirs, key.c_str());
    MUST(id >= 0);
    const bool is_array = gguf_get_kv_type(theirs, id) == GGUF_TYPE_ARRAY;
    MUST(is_array == numbers.is_array);
    MUST((is_array ? gguf_get_arr_type(theirs, id) : gguf_get_kv_type(theirs, id)) ==
         gguf_type(numbers.type));
    if (is_array) MUST(gguf_get_arr_n(theirs, id) == numbers.values.size());
    if (!is_array && numbers.type == GGUF_TYPE_UINT32) {
      MUST(gguf_get_val_u32(theirs, id) == numbers.values[0]);
    }
  }
  for (const auto& [key, word] : ours.metadata.words) {
    const int64_t id = gguf_find_key(theirs, key.c_str());
    MUST(id >= 0);
    MUST(std::string(gguf_get_val_str(theirs, id)).find(word.c_str()) == 0);
  }
}

void check_loads(const File& file, size_t size) {
  const GgufPtr theirs(gguf_init_from_file(file.path().c_str(), {true, nullptr}), gguf_free);
  MUST(theirs != nullptr);
  sluice::GgufReader reader(file.path(), size);
  check_same(sluice::read_gguf_header(reader), theirs.get());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const File file;
  file.hold(data, size);
  const sluice::PreflightResult model = sluice::preflight_gguf(file.path());
  MUST(model.ok == model.message.empty());
  MUST(!model.not_found);
  const sluice::AdapterPreflight adapter = sluice::preflight_adapter(file.path());
  MUST(adapter.ok == adapter.message.empty());
  MUST(adapter.bytes <= size);
  if (model.ok || adapter.ok) check_loads(file, size);
  return 0;
}
