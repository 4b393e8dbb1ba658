#pragma once

#include "base/result.h"
#include "imap/server/fetch_writer.h"
#include "imap/syntax/fetch_item.h"
#include "mime/transfer.h"
#include "net/stream.h"
#include "store/mailbox.h"
#include "store/view.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace todoke::store {
class Store;
}

namespace todoke::imap {

// Writes the FETCH answers of one command.  Bodies flow from the blob store to the stream in
// bounded memory.  Lives in the command's frame.
class MessageFetch {
 public:
  // `inside_answer` is true while part of an answer is out.  All references outlive the
  // object.
  MessageFetch(store::Store& store, store::Mailbox mailbox, net::Stream& io,
               const std::vector<FetchItem>& items, std::chrono::seconds stalled,
               bool& inside_answer)
      : store_(store),
        mailbox_(mailbox),
        io_(io),
        items_(items),
        stalled_(stalled),
        inside_answer_(inside_answer) {}

  // Flags are told when they were changed by the command, with UID and MODSEQ to a client that
  // counts changes.
  enum class Flags { as_asked, told, told_with_mod_seq };
  // One message; `facts` are those that the items need.
  [[nodiscard]] Task<> write(std::shared_ptr<const store::View> view, std::size_t index,
                             store::MessageFacts facts, Flags flags);

  // Messages that were not told of since they are gone for good, or whose body is damaged.
  std::size_t missed() const { return missed_; }
  std::size_t corrupt() const { return corrupt_; }
  // Parts whose transfer encoding nobody knows.
  std::size_t undecodable() const { return undecodable_; }

 private:
  bool write_plain(const FetchItem& item);
  void write_changed(Flags flags);
  [[nodiscard]] Task<> write_item(FetchItem item);
  [[nodiscard]] Task<> write_section(FetchItem item);
  [[nodiscard]] Task<> write_fields(FetchItem item, OctetRange header);
  [[nodiscard]] Task<> write_binary(FetchItem item);
  [[nodiscard]] Task<Result<std::uint64_t>> decoded_size(OctetRange range,
                                                         mime::TransferEncoding encoding);
  [[nodiscard]] Task<> send_decoded(OctetRange range, mime::TransferEncoding encoding,
                                    OctetRange wanted);
  [[nodiscard]] Task<> send(OctetRange range);
  // The next piece of the body; looks for it anew when it was moved meanwhile.
  [[nodiscard]] Task<Result<std::string>> read(std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] Task<> hand_over();
  void literal(std::string_view text);
  const mime::Structure* structure();
  void damaged();

  store::Store& store_;
  store::Mailbox mailbox_;
  net::Stream& io_;
  const std::vector<FetchItem>& items_;
  const std::chrono::seconds stalled_;  // for each piece of a large answer
  bool& inside_answer_;
  std::size_t missed_ = 0;
  std::size_t corrupt_ = 0;
  std::size_t undecodable_ = 0;

  // Of the message at hand.
  store::View::Message message_{};
  store::MessageFacts facts_;
  mime::Structure structure_;
  bool has_structure_ = false;
  std::string line_;  // written and not yet given to the stream
};

}  // namespace todoke::imap
