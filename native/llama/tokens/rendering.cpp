#include "llama/tokens/rendering.h"

#include <algorithm>

#ifdef SLUICE_TELLS_ORIGINS
#include "jinja/string.h"
#endif

namespace sluice {

#ifdef SLUICE_TELLS_ORIGINS

namespace {

size_t common_length(const std::string& a, const std::string& b) {
  const size_t most = std::min(a.size(), b.size());
  return size_t(std::mismatch(a.begin(), a.begin() + std::ptrdiff_t(most), b.begin()).first -
                a.begin());
}

}  // namespace

class Rendering::Watch final : public jinja::render_watch {
 public:
  Watch() : before_(jinja::g_render_watch) { jinja::g_render_watch = this; }
  ~Watch() override { jinja::g_render_watch = before_; }

  void rendered(const jinja::string& text) override {
    PromptText made;
    for (const jinja::string_part& part : text.parts) {
      made.append(part.val, part.is_input);
    }
    made_.push_back(std::move(made));
  }

  // The last rendering that is the longest beginning of the text: earlier ones may be of a
  // template's analysis. Text behind its end was written by llama.cpp.
  PromptText prompt(const std::string& text) const {
    const PromptText* best = nullptr;
    size_t length = 0;
    for (const PromptText& one : made_) {
      const size_t shared = common_length(one.text, text);
      if (best && shared < length) continue;
      best = &one;
      length = shared;
    }
    PromptText prompt;
    prompt.text = text;
    if (!best) return prompt;
    for (const TextRange& range : best->content) {
      if (range.begin < length)
        prompt.content.push_back({range.begin, std::min(range.end, length)});
    }
    return prompt;
  }

  std::set<std::string> own_texts() const {
    std::set<std::string> texts;
    for (const PromptText& one : made_) {
      size_t begin = 0;
      for (const TextRange& range : one.content) {
        texts.insert(one.text.substr(begin, range.begin - begin));
        begin = range.end;
      }
      texts.insert(one.text.substr(begin));
    }
    return texts;
  }

 private:
  jinja::render_watch* const before_;
  std::vector<PromptText> made_;
};

bool Rendering::tells_origins() { return true; }

#else

class Rendering::Watch {
 public:
  PromptText prompt(const std::string& text) const { return {text, {}}; }
  std::set<std::string> own_texts() const { return {}; }
};

bool Rendering::tells_origins() { return false; }

#endif

Rendering::Rendering() : watch_(std::make_unique<Watch>()) {}
Rendering::~Rendering() = default;

PromptText Rendering::prompt(const std::string& text) const { return watch_->prompt(text); }
std::set<std::string> Rendering::own_texts() const { return watch_->own_texts(); }

}  // namespace sluice
