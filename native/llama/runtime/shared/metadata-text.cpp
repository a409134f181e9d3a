#include "metadata-text.h"

#include <memory>
#include <vector>

#include "gguf.h"
#include "llama-impl.h"

namespace {

// The log shows 40 characters, and an element takes at least three of them.
constexpr size_t kShown = 20;

struct Free {
  void operator()(gguf_context* metadata) const { gguf_free(metadata); }
};

}  // namespace

std::string sluice_metadata_text(const gguf_context* metadata, int key) {
  const bool is_list = gguf_get_kv_type(metadata, key) == GGUF_TYPE_ARRAY;
  if (!is_list || gguf_get_arr_n(metadata, key) <= kShown) return gguf_kv_to_str(metadata, key);
  const gguf_type type = gguf_get_arr_type(metadata, key);
  if (type == GGUF_TYPE_ARRAY) return gguf_kv_to_str(metadata, key);  // no values, but marks

  const std::unique_ptr<gguf_context, Free> shown(gguf_init_empty());
  if (type == GGUF_TYPE_STRING) {
    std::vector<const char*> texts;
    for (size_t i = 0; i < kShown; ++i) texts.push_back(gguf_get_arr_str(metadata, key, i));
    gguf_set_arr_str(shown.get(), "shown", texts.data(), kShown);
  } else {
    gguf_set_arr_data(shown.get(), "shown", type, gguf_get_arr_data(metadata, key), kShown);
  }
  return gguf_kv_to_str(shown.get(), 0);
}
