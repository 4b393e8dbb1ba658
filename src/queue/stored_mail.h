#pragma once

#include "queue/parts.h"
#include "queue/signer.h"

#include <list>

namespace todoke::queue {

// Writes the copies of messages that go out as they are stored, but for the Return-Path line that
// delivery puts in front (RFC 5321 §4.4), and signed.  All recipients of a message get the same.
class StoredMail final : public Renderer {
 public:
  // Without a signer nothing is signed.
  StoredMail(blob::Store& blobs, WorkerPool& pool, Signer* signer)
      : blobs_(blobs), pool_(pool), signer_(signer) {}
  [[nodiscard]] Task<Result<Copy>> render(std::shared_ptr<const Message> message,
                                          RecipientId recipient) override;

 private:
  // Of the messages sent last, so many and with so much text.
  static constexpr std::size_t kept_copies = 64;
  static constexpr std::uint64_t kept_bytes = 16 << 20;
  struct Kept {
    std::int64_t message_id;
    Copy copy;
  };
  const Copy* find(std::int64_t message_id);
  void keep(std::int64_t message_id, const Copy& copy);
  [[nodiscard]] Task<Result<std::string>> signatures(blob::Location body, Copy copy,
                                                     std::string beginning);

  blob::Store& blobs_;
  WorkerPool& pool_;
  Signer* signer_;
  std::list<Kept> kept_;  // the one used last in front
};

// The length of a Return-Path field at the beginning, folds included; 0: there is none.
std::size_t return_path_length(std::string_view text);

// A copy as the client wants it.
class CopySource final : public smtp::BodySource {
 public:
  CopySource(blob::Store& blobs, WorkerPool& pool, blob::Location body, Copy copy)
      : blobs_(blobs), pool_(pool), body_(body), copy_(std::move(copy)), at_(copy_.skip) {}
  [[nodiscard]] Task<Result<std::string_view>> next() override;
  std::uint64_t size() const { return copy_.head.size() + copy_.size; }

 private:
  enum class Part { head, text, end };
  blob::Store& blobs_;
  WorkerPool& pool_;
  blob::Location body_;
  Copy copy_;
  Part part_ = Part::head;
  std::uint64_t at_;  // in the body
  std::string piece_;
};

}  // namespace todoke::queue
