#pragma once

#include "queue/address_form.h"
#include "queue/core.h"
#include "queue/judge.h"

#include <memory>
#include <optional>
#include <vector>

namespace todoke::queue {

// One connection's life: takes recipients whose turn it is, writes down that their attempts begin,
// sends, writes down how they ended together with the next beginnings, and goes on until nobody is
// left, the provider has had enough, or we stop.
//
// What is begun and not ended when the program dies is in doubt, so a connection begins no more at
// once than it can send in a tenth of a second.
class Sender {
 public:
  Sender(Core& core, Site& site) : core_(core), site_(site), bell_(core.parts.clock) {}
  [[nodiscard]] Task<> run();

 private:
  struct Taken {
    Line* line;
    Job job;
  };
  using Batch = std::vector<Taken>;

  // Recipients whose turn it is.  Not begun yet.
  [[nodiscard]] Task<Batch> take();
  void take_group(Line& line, Batch& batch, int most);
  // Recipients of one transaction with this message.
  std::size_t most_in_group(const Message& message) const;
  [[nodiscard]] Task<> load(Line* line);
  void give_back(Batch batch);
  // All that wait at a site that is none.
  [[nodiscard]] Task<> bury(Batch batch);
  [[nodiscard]] Task<bool> connect(Batch& batch);  // NOLINT: of the caller's frame, awaited at once

  // Writes how attempts ended and that these begin.  Answers those that may.
  [[nodiscard]] Task<Batch> begin(Batch batch);
  [[nodiscard]] Task<> write_ended();
  [[nodiscard]] Task<bool> try_to_write_ended();
  [[nodiscard]] Task<> write_at_last();
  void forget_ended();
  void ended(Taken taken, Judgement judgement, Steady begun);
  void react(const Job& job, const Judgement& judgement, Steady begun);

  [[nodiscard]] Task<> send(Batch batch);
  // What a transaction needs beforehand.
  struct Prepared {
    Copy copy;
    AddressForm form;
  };
  [[nodiscard]] Task<Result<Prepared>> prepare(Renderer* renderer, Job job);
  // Recipients of one transaction.
  [[nodiscard]] Task<> send_group(Batch group);
  [[nodiscard]] Task<std::vector<smtp::RecipientResult>> transact(smtp::Message transaction,
                                                                  Job first, Copy copy);
  smtp::Message transaction_of(const Batch& group, const AddressForm& form) const;
  // The jobs from `from` on that go in one transaction.
  std::size_t group_end(const Batch& batch, std::size_t from) const;
  bool may_go_on() const;
  // Waits a moment for more work.  False: none came.
  [[nodiscard]] Task<bool> linger();

  Core& core_;
  Site& site_;
  Alarm bell_;
  std::optional<Connection> connection_;
  std::optional<ConnectionRecord> unwritten_;   // of the connection, or of the one that failed
  int recipients_ = 0;                          // on this connection
  bool has_enough_ = false;                     // the server, of this connection
  bool has_idled_ = false;                      // before the present transaction
  double seconds_each_ = 0.2;                   // a message takes, lately
  std::optional<Steady> not_before_;            // the pacer lets nothing through until then
  std::vector<std::pair<Line*, Ended>> ended_;  // not yet written
  Steady first_ended_{};
};

}  // namespace todoke::queue
