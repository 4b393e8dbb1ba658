#include "directory/directory.h"

#include "directory/impl.h"

namespace todoke::directory {

Directory::Directory(sql::Db& db, const Clock& clock, IdGenerator& ids, WorkerPool& pool,
                     const DirectoryOptions& options)
    : impl_(std::make_unique<Impl>(db, clock, ids, pool, options)) {}

Directory::~Directory() = default;

}  // namespace todoke::directory
