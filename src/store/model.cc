#include "store/model.h"

#include "base/ascii.h"

namespace todoke::store {
namespace {

struct RoleNames {
  Role role;
  std::string_view name, english, japanese;
};
constexpr RoleNames names[] = {
    {Role::inbox, "inbox", "INBOX", "INBOX"},
    {Role::sent, "sent", "Sent", "送信済み"},
    {Role::drafts, "drafts", "Drafts", "下書き"},
    {Role::trash, "trash", "Trash", "ごみ箱"},
    {Role::junk, "junk", "Junk", "迷惑メール"},
    {Role::archive, "archive", "Archive", "アーカイブ"},
};

}  // namespace

unsigned flag_from_name(std::string_view name) {
  for (const auto& [flag, known] : flag_names)
    if (ascii::equal_ignoring_case(known, name)) return flag;
  return 0;
}

std::string_view role_name(Role role) {
  for (const auto& one : names)
    if (one.role == role) return one.name;
  return {};
}

Role role_from_name(std::string_view name) {
  for (const auto& one : names)
    if (one.name == name) return one.role;
  return Role::none;
}

std::string_view default_name(Role role, std::string_view locale) {
  for (const auto& one : names)
    if (one.role == role) return locale == "ja" ? one.japanese : one.english;
  return {};
}

}  // namespace todoke::store
