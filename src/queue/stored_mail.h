#pragma once

#include "queue/parts.h"

namespace todoke::queue {

// Reads the text of messages that go out as they are stored, but for the Return-Path line that
// delivery puts in front (RFC 5321 §4.4).
class StoredMail final : public Renderer {
 public:
  StoredMail(blob::Store& blobs, WorkerPool& pool) : blobs_(blobs), pool_(pool) {}
  [[nodiscard]] Task<Result<Copy>> render(std::shared_ptr<const Message> message,
                                          RecipientId recipient) override;

 private:
  [[nodiscard]] Task<Result<std::string>> read(blob::Location body, std::uint64_t from,
                                               std::uint64_t length);
  blob::Store& blobs_;
  WorkerPool& pool_;
  // The copy of the message sent last: its next recipients get the same.
  std::int64_t last_id_ = 0;
  Copy last_;
};

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
