#include "app/transfer/maildir.h"

#include "base/ascii.h"
#include "imap/syntax/mailbox_name.h"
#include "store/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace todoke::transfer {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view forwarded = "$forwarded";
constexpr std::pair<char, unsigned> letters[] = {{'D', store::flag_draft},
                                                 {'F', store::flag_flagged},
                                                 {'R', store::flag_answered},
                                                 {'S', store::flag_seen},
                                                 {'T', store::flag_deleted}};

std::string replace_all(std::string text, char from, char to) {
  std::ranges::replace(text, from, to);
  return text;
}

}  // namespace

Marks marks_from_name(std::string_view file_name, const std::vector<std::string>& keywords) {
  Marks marks;
  auto info = file_name.find(":2,");
  if (info == file_name.npos) return marks;
  std::string words;
  for (char c : file_name.substr(info + 3)) {
    if (c == ',') break;  // what other servers append
    for (auto [letter, flag] : letters)
      if (letter == c) marks.flags |= flag;
    if (c == 'P') words.append(forwarded) += ' ';
    if (c >= 'a' && c <= 'z' && static_cast<std::size_t>(c - 'a') < keywords.size())
      words += keywords[static_cast<std::size_t>(c - 'a')] + ' ';
  }
  marks.keywords = tidy_keywords(words);
  return marks;
}

std::string_view base_name(std::string_view file_name) {
  return file_name.substr(0, file_name.find(':'));
}

std::string name_flags(const Marks& marks, std::vector<std::string>& keywords) {
  std::string set;
  for (auto [letter, flag] : letters)
    if ((marks.flags & flag) != 0) set += letter;
  std::string_view rest = marks.keywords;
  while (!rest.empty()) {
    auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (word == forwarded) {
      set += 'P';
      continue;
    }
    auto at = std::ranges::find(keywords, word);
    if (at == keywords.end()) {
      if (keywords.size() == 26) continue;
      at = keywords.emplace(at, word);
    }
    set += static_cast<char>('a' + (at - keywords.begin()));
  }
  std::ranges::sort(set);
  return "2," + set;
}

std::vector<std::string> parse_keywords_file(std::string_view text) {
  std::vector<std::string> keywords;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto space = line.find(' ');
    auto number = ascii::to_number(line.substr(0, space));
    if (space == line.npos || !number || *number >= 26) continue;
    if (keywords.size() <= *number) keywords.resize(*number + 1);
    keywords[*number] = ascii::trim(line.substr(space));
  }
  return keywords;
}

std::string render_keywords_file(const std::vector<std::string>& keywords) {
  std::string out;
  for (std::size_t i = 0; i < keywords.size(); ++i) out += fmt::format("{} {}\n", i, keywords[i]);
  return out;
}

std::string mailbox_of_folder(std::string_view folder) {
  if (folder.empty() || folder == ".") return "INBOX";
  folder.remove_prefix(1);
  std::string name;
  while (true) {
    auto level = folder.substr(0, folder.find('.'));
    auto decoded = imap::from_modified_utf7(level);
    name += replace_all(decoded ? *decoded : std::string(level), '/', '_');
    if (level.size() == folder.size()) return name;
    folder.remove_prefix(level.size() + 1);
    name += '/';
  }
}

std::string folder_of_mailbox(std::string_view mailbox) {
  if (mailbox == "INBOX") return "";
  std::string folder;
  while (true) {
    auto level = mailbox.substr(0, mailbox.find('/'));
    folder += "." + imap::to_modified_utf7(level, ".");
    if (level.size() == mailbox.size()) return folder;
    mailbox.remove_prefix(level.size() + 1);
  }
}

bool is_maildir(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path + "/cur", ignored) && fs::is_directory(path + "/new", ignored);
}

Result<std::vector<MaildirFolder>> list_maildir(const std::string& root) {
  if (!is_maildir(root))
    return fail(Errc::invalid, fmt::format("{} is no Maildir: it has no cur and new", root));
  std::vector<MaildirFolder> folders{{root, "INBOX"}};
  std::error_code error;
  for (fs::directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (name.size() < 2 || !name.starts_with('.') || !is_maildir(entry->path().string())) continue;
    folders.push_back({entry->path().string(), mailbox_of_folder(name)});
  }
  if (error)
    return fail(Errc::unavailable, fmt::format("cannot list {}: {}", root, error.message()));
  std::ranges::sort(folders.begin() + 1, folders.end(), {}, &MaildirFolder::mailbox);
  return folders;
}

}  // namespace todoke::transfer
