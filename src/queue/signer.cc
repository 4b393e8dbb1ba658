#include "queue/signer.h"

#include "base/ascii.h"
#include "mime/address.h"
#include "mime/header.h"
#include "trust/dkim_signer.h"

namespace todoke::queue {
namespace {

// Of the first author.  Empty when there is none, or the domain is in U-labels.
std::string author_domain(std::string_view header_block) {
  auto fields = mime::split_header(header_block);
  const auto* from = mime::find_field(fields, "From");
  if (from == nullptr) return {};
  for (const auto& address : mime::parse_addresses(from->raw_value).addresses)
    if (!address.domain.empty()) return ascii::to_lower(address.domain);
  return {};
}

}  // namespace

Task<std::vector<trust::DkimIdentity>> Signer::identities(std::string header_block) {
  std::vector<trust::DkimIdentity> all;
  auto author = author_domain(header_block);
  if (!author.empty()) all = co_await keys_.identities(author);
  if (platform_domain_.empty() || platform_domain_ == author) co_return all;
  auto platform = co_await keys_.identities(platform_domain_);
  all.insert(all.end(), std::make_move_iterator(platform.begin()),
             std::make_move_iterator(platform.end()));
  co_return all;
}

Task<bool> Signer::signs(std::string header_block) {
  auto all = co_await identities(std::move(header_block));
  co_return !all.empty();
}

Task<std::string> Signer::sign(std::string header_block, std::string body_hash) {
  const auto all = co_await identities(header_block);
  if (all.empty()) co_return std::string();
  auto now = clock_.now();
  auto work = [&] { return trust::sign_dkim(header_block, body_hash, all, now); };
  co_return co_await pool_.run(work);
}

}  // namespace todoke::queue
