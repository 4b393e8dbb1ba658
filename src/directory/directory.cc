#include "directory/directory.h"

#include "directory/impl.h"

namespace todoke::directory {

Directory::Directory(sql::Db& db, const Clock& clock, IdGenerator& ids, WorkerPool& pool,
                     const DirectoryOptions& options)
    : impl_(std::make_unique<Impl>(db, clock, ids, pool, options)) {}

Directory::~Directory() = default;

bool Directory::still_signed_in(const Principal& principal) const {
  return impl_->sign_outs.holds(principal);
}

SignOuts::Watch Directory::watch_sign_in(const Principal& principal, std::function<void()> ended) {
  return impl_->sign_outs.watch(principal, std::move(ended));
}

}  // namespace todoke::directory
