#pragma once

#include "base/principal.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace todoke::directory {

// Which sign-ins hold no longer, so that sessions end when their account is suspended or its
// password changed.  Lives as long as the process, and sessions no longer than that.  Any thread.
class SignOuts {
 public:
  // Ends when destroyed; the listener is not called after that.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept
        : sign_outs_(std::exchange(other.sign_outs_, nullptr)), number_(other.number_) {}
    Watch& operator=(Watch&& other) noexcept {
      std::swap(sign_outs_, other.sign_outs_);
      std::swap(number_, other.number_);
      return *this;
    }
    ~Watch();

   private:
    friend SignOuts;
    Watch(SignOuts* sign_outs, std::uint64_t number) : sign_outs_(sign_outs), number_(number) {}
    SignOuts* sign_outs_ = nullptr;
    std::uint64_t number_ = 0;
  };

  // For Principal::signed_in_at; read before the database is.
  std::uint64_t moment() const { return moment_.load(std::memory_order_acquire); }
  // Whether nobody of the principal's account or organisation was signed out since then.
  bool holds(const Principal& principal) const;

  void sign_out_account(std::int64_t account_id);
  void sign_out_organisation(std::int64_t organisation_id);

  // `ended` runs on the thread that signs out: it takes note and returns.  At once if the sign-in
  // holds no longer.
  [[nodiscard]] Watch watch(const Principal& principal, std::function<void()> ended);

 private:
  struct Watcher {
    std::int64_t account_id;
    std::int64_t organisation_id;
    std::function<void()> ended;
  };
  bool holds_now(const Principal& principal) const;  // the mutex is held

  std::atomic<std::uint64_t> moment_{1};
  mutable std::mutex mutex_;
  std::unordered_map<std::int64_t, std::uint64_t> accounts_;  // the moment after the last sign-out
  std::unordered_map<std::int64_t, std::uint64_t> organisations_;
  std::map<std::uint64_t, Watcher> watchers_;
  std::uint64_t next_ = 1;
};

}  // namespace todoke::directory
