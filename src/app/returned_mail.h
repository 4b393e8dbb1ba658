#pragma once

#include "app/installation.h"
#include "delivery/address_handler.h"
#include "queue/return_desk.h"

#include <string>

namespace todoke::app {

// Brings what comes back to return paths of ours to the queue's events, and complaints of
// providers, which they send to fbl@ our host (RFC 6650 §4).
class ReturnedMail final : public delivery::AddressHandler {
 public:
  ReturnedMail(Installation& installation, const queue::ReturnDesk& desk)
      : installation_(installation), desk_(desk) {}

  bool takes(const smtp::Path& to) const override;
  Handling receive(Arrived arrived) override;

  // The address to register with providers.
  std::string complaint_address() const;

 private:
  Installation& installation_;
  const queue::ReturnDesk& desk_;
};

// The secret that return paths are made with: made at first, and kept.
std::string envelope_key(sql::Db& db);

}  // namespace todoke::app
