#include "llama/tokens/normalization.h"

#include <unordered_set>

namespace sluice {

bool wants_nfc(const std::string& pre_tokenizer) {
  static const std::unordered_set<std::string> all = {
      "qwen2", "qwen35", "deepseek-r1-qwen", "command-r", "olmo", "mpt",
  };
  return all.count(pre_tokenizer) != 0;
}

}  // namespace sluice
