#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {

// Where each run of kKey tokens of a text was last seen, for texts that repeat themselves.
//
// A text is indexed in segments, each once it is complete, and a segment knows only its own tokens:
// texts that begin with the same prompt share its segments. What is not in a segment yet is
// searched as it is. Pure. Engine thread only.
class TextIndex {
 public:
  // Tokens that are compared. With two, chance finds are too many; with four, drafting begins a
  // token later in each repetition.
  static constexpr int32_t kKey = 3;
  static constexpr int32_t kSegment = 256;  // tokens

  class Segment;
  // The segments of all texts that are indexed now. Segments of another salt are not shared: how
  // fast one is found would tell that the text was asked before.
  class Store {
   public:
    std::shared_ptr<const Segment> get(const int32_t* tokens, const std::string& salt);
    size_t size() const { return segments_.size(); }

   private:
    void drop_unused();

    std::unordered_multimap<uint64_t, std::weak_ptr<const Segment>> segments_;
    size_t sweep_at_ = 64;
  };

  // The store outlives it.
  TextIndex(Store& store, std::string salt) : store_(store), salt_(std::move(salt)) {}

  // The position behind the last earlier occurrence of the text's last kKey tokens, or -1. The text
  // may have grown since the last call, and is otherwise the same.
  int32_t find(const std::vector<int32_t>& tokens);

 private:
  Store& store_;
  const std::string salt_;
  std::vector<std::shared_ptr<const Segment>> segments_;
};

// The keys that begin at kSegment positions in a row.
class TextIndex::Segment {
 public:
  static constexpr int32_t kTokens = kSegment + kKey - 1;

  Segment(const int32_t* tokens, const std::string& salt);
  bool is_of(const int32_t* tokens, const std::string& salt) const;
  // The last of the positions where this key begins, or -1.
  int32_t find(const int32_t* key) const;

 private:
  static constexpr size_t kPlaces = 2 * kSegment;
  // Where the key is noted, or could be.
  size_t place_of(const int32_t* key) const;

  const std::string salt_;
  std::array<int32_t, kTokens> tokens_;
  std::array<uint16_t, kPlaces> places_{};  // 1 + position; 0 is free
};

}  // namespace sluice
