#include "engine/batch/reply-reader.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

const std::vector<std::string> kNoStops;

}  // namespace

ReplyReader::ReplyReader(std::unique_ptr<ChatParser> parser,
                         const std::vector<std::string>& stop_strings, bool has_form)
    : parser_(std::move(parser)), stops_(has_form ? kNoStops : stop_strings), has_form_(has_form) {}

void ReplyReader::append(std::string_view text, const FormSpan& span) {
  if (has_form_) {
    pending_.append(text);
    return read_form(span);
  }
  if (stopped()) return;
  parser_->append(text);
  collect();
}

void ReplyReader::finish(bool was_cut, const FormSpan& span) {
  if (has_form_) {
    read_form(span);
    if (is_in_form_) add_text(std::exchange(pending_, {}));
    if (!is_in_form_) finish_undecided(was_cut, span.is_unsettled);
    return;
  }
  if (stopped()) return;
  parser_->finish(was_cut);
  collect();
  if (stopped()) return;
  stops_.let_go();
  add_text(stops_.take());
  withheld_ = 0;
}

std::vector<Part> ReplyReader::take() { return std::exchange(ready_, {}); }

void ReplyReader::add(ReplyPiece&& piece) {
  if (piece.kind() == ReplyPiece::Kind::none) return;
  if (ready_.empty() || !ready_.back().joins(piece)) ready_.emplace_back();
  ready_.back().ReplyPiece::append(std::move(piece));
}

void ReplyReader::add_text(std::string text) {
  ReplyPiece piece;
  piece.text = std::move(text);
  add(std::move(piece));
}

void ReplyReader::collect() {
  ChatDelta delta = parser_->take();
  if (!stops_.is_idle()) return search(std::move(delta));
  for (ChatDelta::Piece& piece : delta.pieces) {
    // Around a form there are only spaces and marks.
    if (has_form_) piece.text.clear();
    add(std::move(piece));
  }
}

// No stop string spans a piece of reasoning or a call: the text before it and the text after it are
// searched apart.
void ReplyReader::search(ChatDelta&& delta) {
  for (ChatDelta::Piece& piece : delta.pieces) {
    const bool is_text = piece.kind() == ReplyPiece::Kind::text;
    if (!is_text || piece.is_apart) {
      stops_.let_go();
      add_text(stops_.take());
    }
    if (stopped()) break;  // the rest stands behind the stop string
    if (!is_text) {
      add(std::move(piece));
      continue;
    }
    stops_.append(piece.text);
    add_text(stops_.take());
  }
  const bool may_go_on = delta.content_is_last || stopped();
  withheld_ = stops_.withheld() + (may_go_on ? delta.text_behind : 0);
}

void ReplyReader::read_form(const FormSpan& span) {
  if (!is_in_form_) {
    const bool has_begun = span.begin != FormSpan::kUnknown;
    const std::string before = next_until(has_begun ? span.begin : span.settled);
    if (!before.empty()) {
      parser_->append(before);
      collect();
    }
    if (!has_begun || position_ < span.begin) return;
    enter_form();
  }
  const bool has_ended = span.end != FormSpan::kUnknown;
  add_text(next_until(has_ended ? span.end : span.settled));
  if (has_ended && position_ >= span.end) pending_.clear();
}

// The form is not given to the format's parser, which would find marks in it.
void ReplyReader::enter_form() {
  parser_->finish(true);
  collect();
  is_in_form_ = true;
}

// The text that is left may be a form or a call. It is a call where the parser finds a whole one,
// else it is the form.
void ReplyReader::finish_undecided(bool was_cut, bool could_be_form) {
  const std::string rest = std::exchange(pending_, {});
  if (could_be_form && was_cut) {
    enter_form();
    add_text(rest);
    return;
  }
  parser_->append(rest);
  parser_->finish(was_cut);
  if (!could_be_form || parser_->calls_tools()) return collect();
  is_in_form_ = true;
  add_text(rest);
}

std::string ReplyReader::next_until(int64_t position) {
  const int64_t wanted = std::max<int64_t>(0, position - position_);
  const size_t length = std::min(pending_.size(), size_t(wanted));
  std::string text = pending_.substr(0, length);
  pending_.erase(0, length);
  position_ += int64_t(length);
  return text;
}

}  // namespace sluice
