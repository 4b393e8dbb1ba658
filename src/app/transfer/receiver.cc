#include "app/transfer/receiver.h"

#include "delivery/preview.h"

#include <algorithm>

namespace todoke::transfer {
namespace {

constexpr std::size_t preview_from = 64 * 1024;

}  // namespace

Result<> Receiver::append(std::string_view bytes) {
  parser_.feed(bytes);
  if (beginning_.size() < preview_from)
    beginning_.append(bytes.substr(0, preview_from - beginning_.size()));
  return writer_->append(bytes);
}

Result<Receiver::Received> Receiver::finish() {
  TRY(auto body, writer_->finish({}));
  auto structure = parser_.finish();
  return Received{body,
                  {.envelope = mime::encode(structure.envelope),
                   .structure = mime::encode(structure),
                   .preview = delivery::preview(structure, beginning_),
                   .final_crlf = structure.final_crlf}};
}

}  // namespace todoke::transfer
