#include "llama/runtime/shared/metadata-text.h"

#include <memory>

#include "gguf.h"
#include "test/check.h"

std::string gguf_kv_to_str(const gguf_context* metadata, int key);  // of llama-impl.h

namespace {

struct Free {
  void operator()(gguf_context* metadata) const { gguf_free(metadata); }
};

using Metadata = std::unique_ptr<gguf_context, Free>;

Metadata vocabulary(const char* name) {
  const std::string path = std::string(SLUICE_LLAMA_CPP_DIR "/models/") + name;
  return Metadata(gguf_init_from_file(path.c_str(), {true, nullptr}));
}

}  // namespace

TEST("metadata: what the log shows is llama.cpp's own text") {
  const Metadata metadata = vocabulary("ggml-vocab-llama-spm.gguf");
  CHECK(metadata != nullptr);
  for (int key = 0; key < gguf_get_n_kv(metadata.get()); ++key) {
    const std::string whole = gguf_kv_to_str(metadata.get(), key);
    const std::string text = sluice_metadata_text(metadata.get(), key);
    CHECK_EQ(text.substr(0, 40), whole.substr(0, 40));
    CHECK_EQ(text.size() > 40, whole.size() > 40);  // so that it says that there is more
  }
}

TEST("metadata: of a list of 32,000 tokens few are made text") {
  const Metadata metadata = vocabulary("ggml-vocab-llama-spm.gguf");
  CHECK(metadata != nullptr);
  const int64_t tokens = gguf_find_key(metadata.get(), "tokenizer.ggml.tokens");
  CHECK(gguf_get_arr_n(metadata.get(), tokens) >= 32000);
  CHECK(sluice_metadata_text(metadata.get(), int(tokens)).size() < 1000);
}
