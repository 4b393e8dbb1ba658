#pragma once

#include "smtp/client/client.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace todoke::smtp {

// One transaction of a Client, from MAIL to the answer to the final dot.  Lives in send()'s frame.
class Client::Transaction {
 public:
  Transaction(Client& client, Message message);
  [[nodiscard]] Task<std::vector<RecipientResult>> run();

 private:
  // A command and what it is for.
  struct Command {
    enum class Kind { rset, mail, rcpt, data };
    Kind kind;
    std::size_t recipient = 0;
  };

  // What needs no server to be known: false when nothing is left to be sent.
  bool prepare();
  [[nodiscard]] Task<Step> converse();
  // Sends commands, pipelined or one by one, and hears their replies.
  [[nodiscard]] Task<Step> exchange_envelope();
  static Stage stage_of(const Command& command);
  bool is_pointless(const Command& command) const;
  std::string text_of(const Command& command) const;
  Step take(const Command& command, Reply reply);
  Step take_mail(Reply reply);
  Step take_rcpt(std::size_t recipient, Reply reply);
  Step take_data(Reply reply);
  [[nodiscard]] Task<Step> send_text();
  [[nodiscard]] Task<Step> send_nothing();
  [[nodiscard]] Task<Step> hear_verdict();
  [[nodiscard]] Task<Step> hear_last_words();

  // The conversation goes on, if the server wants it to.
  void end();
  void decide(std::size_t recipient, RecipientResult result);
  // The same for all that are undecided.
  void decide_rest(const RecipientResult& result);

  Client& client_;
  const Message message_;
  std::vector<std::optional<RecipientResult>> results_;
  std::vector<Command> commands_;
  std::vector<std::size_t> accepted_;  // by RCPT
  bool mail_refused_ = false;
  bool data_accepted_ = false;  // 354
  std::size_t unheard_rcpts_ = 0;
};

}  // namespace todoke::smtp
