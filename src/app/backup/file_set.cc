#include "app/backup/file_set.h"

#include "app/admin/arguments.h"
#include "app/transfer/file_writer.h"
#include "base/encoding.h"
#include "crypto/digest_stream.h"

#include <fmt/format.h>

#include <fstream>

namespace todoke::app {
namespace {

constexpr std::size_t piece_size = 1 << 20;
constexpr std::string_view format_name = "todoke-backup";

// Calls `take` with each piece of the file and sums it up.
template <class F>
Result<BackupFile> read_file(const std::string& path, const std::string& path_in_backup,
                             OnBytes told, F take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, "cannot open " + path);
  crypto::Sha256 sum;
  BackupFile read{.path = path_in_backup};
  std::string buffer(piece_size, '\0');
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    auto piece = std::string_view(buffer).substr(0, static_cast<std::size_t>(file.gcount()));
    sum.update(piece);
    read.size += piece.size();
    TRY_OK(take(piece));
    TRY_OK(told(piece.size()));
  }
  if (file.bad()) return fail(Errc::unavailable, "cannot read " + path);
  read.sha256 = hex_encode(sum.finish());
  return read;
}

}  // namespace

Result<BackupFile> copy_file(const std::string& from, const std::string& to,
                             const std::string& path_in_backup, OnBytes told) {
  TRY(auto target, transfer::FileWriter::create(to));
  auto write = [&](std::string_view piece) { return target.write(piece); };
  TRY(auto copied, read_file(from, path_in_backup, told, write));
  TRY_OK(target.close(transfer::FileWriter::Sync::yes));
  return copied;
}

Result<BackupFile> sum_file(const std::string& path, const std::string& path_in_backup,
                            OnBytes told) {
  return read_file(path, path_in_backup, told, [](std::string_view) { return Result<>(); });
}

std::string render_file_list(const std::vector<BackupFile>& files, const std::string& created_at) {
  json::array list;
  for (const auto& file : files)
    list.push_back(json::object{{"path", file.path}, {"size", file.size}, {"sha256", file.sha256}});
  json::object root{{"format", format_name}, {"version", 1}, {"created_at", created_at}};
  root["files"] = std::move(list);
  return json::serialize(root) + "\n";
}

Result<std::vector<BackupFile>> parse_file_list(std::string_view text_of_list) {
  boost::system::error_code error;
  auto root = json::parse(text_of_list, error);
  auto wrong = [] { return fail(Errc::invalid, "backup.json is damaged, or not from Todoke"); };
  if (error || !root.is_object() || text(root.get_object(), "format") != format_name)
    return wrong();
  if (number_if(root.get_object(), "version") != 1)
    return fail(Errc::invalid, "the backup was made by a newer version of Todoke");
  const auto* list = root.get_object().if_contains("files");
  if (list == nullptr || !list->is_array()) return wrong();
  std::vector<BackupFile> files;
  for (const auto& one : list->get_array()) {
    if (!one.is_object()) return wrong();
    const auto& object = one.get_object();
    BackupFile file{.path = text(object, "path"),
                    .size = static_cast<std::uint64_t>(number_if(object, "size").value_or(-1)),
                    .sha256 = text(object, "sha256")};
    // Nothing of a backup is written outside the data folder.
    if (file.path.empty() || file.path.starts_with('/') || file.path.find("..") != file.path.npos)
      return wrong();
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace todoke::app
