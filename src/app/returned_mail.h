#pragma once

#include "app/installation.h"
#include "delivery/address_handler.h"
#include "queue/return_desk.h"

namespace todoke::app {

// Brings what comes back to return paths of ours to the queue's events.
class ReturnedMail final : public delivery::AddressHandler {
 public:
  ReturnedMail(Installation& installation, const queue::ReturnDesk& desk)
      : installation_(installation), desk_(desk) {}

  bool takes(const smtp::Path& to) const override;
  Handling receive(Arrived arrived) override;

 private:
  Installation& installation_;
  const queue::ReturnDesk& desk_;
};

// The secret that return paths are made with: made at first, and kept.
std::string envelope_key(sql::Db& db);

}  // namespace todoke::app
