#pragma once

#include <string>

namespace sluice {

// Whether the models whose vocabulary splits text this way (tokenizer.ggml.pre) were trained on
// texts in normalization form C. docs/tokens.md has the table, with sources.
bool wants_nfc(const std::string& pre_tokenizer);

}  // namespace sluice
