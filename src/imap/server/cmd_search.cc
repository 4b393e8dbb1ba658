#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"
#include "store/search.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {
namespace {

bool uses_mod_seq(const SearchKey& key) {
  return key.kind == SearchKey::Kind::mod_seq || std::ranges::any_of(key.children, uses_mod_seq);
}

}  // namespace

// RFC 9051 §6.4.4, RFC 4731, RFC 5182.
// deviation: RFC 9051 §9 "seq-number" — a number beyond the last message finds nobody, where FETCH
// and STORE answer BAD: it is a question here and no order, other servers (Dovecot 2.3) answer it,
// and scripts ask for "1:100" without looking how many there are.
Task<Reply> Session::handle(Search command) {
  if (uses_mod_seq(command.key)) enable_condstore();
  store::SearchContext context{
      .view = selected_->seen, .saved_result = selected_->saved_result, .now = server_.clock.now()};
  // RFC 5182 §2.1: $ is empty after NO, whatever the reason.
  if (command.save) selected_->saved_result.clear();
  if (command.unknown_charset)
    co_return no("[BADCHARSET (US-ASCII UTF-8 ISO-2022-JP SHIFT_JIS EUC-JP)] Unknown charset");
  auto key = command.key;
  auto found = co_await store::search(selected_->mailbox, std::move(key), std::move(context));
  if (!found && found.error().code == Errc::invalid) co_return bad(found.error().text);
  if (!found) co_return no(found.error());
  if (command.save) save_result(command, *found);
  if (command.extended || rev2_)
    write_esearch(command, *found);
  else
    write_search(command, *found);
  co_return ok("Searched");
}

// RFC 5182 §2.1: with MIN or MAX alone these only are kept.
void Session::save_result(const Search& command, const std::vector<std::size_t>& found) {
  const auto& view = *selected_->seen;
  auto& saved = selected_->saved_result;
  saved.clear();
  bool ends_only = (command.min || command.max) && !command.all && !command.count;
  for (std::size_t i = 0; i < found.size(); ++i) {
    bool is_end = (command.min && i == 0) || (command.max && i + 1 == found.size());
    if (!ends_only || is_end) saved.push_back(view[found[i]]->uid);
  }
}

// RFC 3501 §7.2.5, RFC 7162 §3.1.6.
void Session::write_search(const Search& command, const std::vector<std::size_t>& found) {
  const auto& view = *selected_->seen;
  std::string line = "* SEARCH";
  std::int64_t mod_seq = 0;
  for (auto index : found) {
    auto entry = view[index].entry;
    line += ' ';
    line += std::to_string(command.numbers == Numbers::uid ? entry->uid : index + 1);
    mod_seq = std::max(mod_seq, entry->modseq);
  }
  if (uses_mod_seq(command.key) && !found.empty()) line += fmt::format(" (MODSEQ {})", mod_seq);
  line += "\r\n";
  io_.write(line);
}

// RFC 9051 §7.3.4 ESEARCH.
void Session::write_esearch(const Search& command, const std::vector<std::size_t>& found) {
  bool only_saves = command.save && !command.min && !command.max && !command.all && !command.count;
  if (only_saves) return;
  const auto& view = *selected_->seen;
  auto number = [&](std::size_t index) {
    return command.numbers == Numbers::uid ? view[index]->uid
                                           : static_cast<std::uint32_t>(index + 1);
  };
  std::string line = fmt::format("* ESEARCH (TAG \"{}\")", tag_);
  if (command.numbers == Numbers::uid) line += " UID";
  bool all = command.all || !(command.min || command.max || command.count);
  if (command.min && !found.empty()) line += fmt::format(" MIN {}", number(found.front()));
  if (command.max && !found.empty()) line += fmt::format(" MAX {}", number(found.back()));
  if (all && !found.empty()) {
    std::vector<std::uint32_t> numbers;
    for (auto index : found) numbers.push_back(number(index));
    line += " ALL ";
    write_set(line, numbers);
  }
  if (command.count) line += fmt::format(" COUNT {}", found.size());
  if (uses_mod_seq(command.key) && !found.empty()) {
    std::int64_t mod_seq = 0;
    bool ends_only = (command.min || command.max) && !all && !command.count;
    for (auto index : found) {
      bool is_end =
          (command.min && index == found.front()) || (command.max && index == found.back());
      if (!ends_only || is_end) mod_seq = std::max(mod_seq, view[index]->modseq);
    }
    line += fmt::format(" MODSEQ {}", mod_seq);
  }
  line += "\r\n";
  io_.write(line);
}

}  // namespace todoke::imap
