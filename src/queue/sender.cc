#include "queue/sender.h"

#include "base/log.h"

#include <algorithm>
#include <ranges>

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;

constexpr int loaded_at_once = 64;
constexpr int most_begun = 64;
constexpr double begun_seconds = 0.1;  // in doubt is at most what we send in this time
constexpr auto unwritten_for = 200ms;
constexpr auto lingers = 2s;
constexpr int shared_after = 10;   // messages, while others wait for a connection
constexpr auto longest_wait = 2s;  // for the pacer, with a connection open

bool is_gone(const smtp::RecipientResult& result) {
  return result.stage == smtp::Stage::mail && !result.reply &&
         (result.breakdown == smtp::Breakdown::closed ||
          result.breakdown == smtp::Breakdown::reset);
}

}  // namespace

Task<> Sender::run() {
  bool has_started = false;
  auto started = [&] {
    if (std::exchange(has_started, true)) return;
    core_.dispatcher.started(site_);
    core_.alarm.ring();
  };
  try {
    auto batch = co_await take();
    started();
    if (!site_.route.dead_end.empty()) {
      co_await bury(std::move(batch));
    } else if (!batch.empty()) {
      bool is_open = co_await connect(batch);
      if (is_open) co_await send(std::move(batch));
    }
  } catch (const std::runtime_error& e) {
    log::error("queue.sender_failed", {{"site", site_.key}, {"error", e.what()}});
  }
  started();
  co_await write_at_last();
  if (connection_) co_await connection_->client->quit();
  --core_.connections;
  core_.dispatcher.connection_ended(site_);
  core_.alarm.ring();
}

// ---- Taking

Task<Sender::Batch> Sender::take() {
  Batch batch;
  not_before_.reset();
  const auto& limits = site_.target->provider->limits;
  auto& pacer = site_.target->pacer;
  auto messages = std::clamp(static_cast<int>(begun_seconds / seconds_each_), 1, 16);
  auto most = std::min(messages * limits.recipients_per_transaction, most_begun);
  if (pacer.is_probing()) most = 1;
  while (static_cast<int>(batch.size()) < most && !core_.is_stopping) {
    auto* line = core_.dispatcher.next_line(site_);
    if (line == nullptr) break;
    if (line->loaded.empty()) {
      if (!batch.empty()) break;
      co_await load(line);
      continue;
    }
    auto now = core_.parts.clock.steady();
    if (pacer.window(now) == 0 && site_.route.dead_end.empty()) break;
    if (site_.route.dead_end.empty()) not_before_ = pacer.take(1, now);
    if (not_before_) break;
    take_group(*line, batch, most);
  }
  co_return batch;
}

// The first of the line, and who goes in the same transaction: that is one message to the provider,
// whoever else waits.
void Sender::take_group(Line& line, Batch& batch, int most) {
  std::size_t in_group = 0;
  do {
    batch.push_back({&line, std::move(line.loaded.front())});
    line.loaded.pop_front();
    ++in_group;
  } while (!line.loaded.empty() && static_cast<int>(batch.size()) < most &&
           in_group < most_in_group(*batch.back().job.message) &&
           line.loaded.front().message->id == batch.back().job.message->id);
}

std::size_t Sender::most_in_group(const Message& message) const {
  if (message.return_path == ReturnPath::per_recipient || !message.renderer.empty()) return 1;
  auto most = static_cast<std::size_t>(site_.target->provider->limits.recipients_per_transaction);
  if (!connection_) return most;
  auto said = connection_->client->offer().rcpt_max;
  return said ? std::clamp<std::size_t>(*said, 1, most) : most;
}

Task<> Sender::load(Line* line) {
  line->is_loading = true;
  ++site_.loading;
  auto news = line->news;
  const auto key = line->key;
  const auto taken = line->taken;
  auto now = core_.parts.clock.now();
  struct Loaded {
    std::vector<Job> jobs;
    std::optional<Time> due;
  };
  auto query = [&](sql::Tx& tx) {
    Loaded loaded{read_jobs(tx, key, now, loaded_at_once, taken), {}};
    if (loaded.jobs.empty()) loaded.due = read_due(tx, key, taken);
    return loaded;
  };
  Loaded loaded;
  std::exception_ptr failure;
  try {
    loaded = co_await core_.parts.db.read(query);
  } catch (const std::runtime_error&) {
    failure = std::current_exception();
  }
  line->is_loading = false;
  --site_.loading;
  core_.alarm.ring();
  if (failure) {
    core_.dispatcher.rests(*line, now + 1min);
    std::rethrow_exception(failure);
  }
  for (auto& job : loaded.jobs) {
    line->taken.insert(job.id);
    line->loaded.push_back(std::move(job));
  }
  if (!line->loaded.empty()) {
    core_.dispatcher.ring(site_);
    co_return;
  }
  // Somebody may have come while we read.
  if (line->news != news) loaded.due = now;
  core_.dispatcher.rests(*line, loaded.due);
}

void Sender::give_back(Batch batch) {
  for (auto& taken : std::views::reverse(batch))
    taken.line->loaded.push_front(std::move(taken.job));
}

// ---- Beginning and ending

Task<> Sender::bury(Batch batch) {
  while (!batch.empty()) {
    for (auto& taken : batch) {
      Judgement judgement;
      judgement.outcome = {.kind = EventKind::failed,
                           .stage = smtp::Stage::dns,
                           .text = site_.route.dead_end,
                           .reply_class = provider::ReplyClass::gone,
                           .rule = "dns.no-host"};
      ended(std::move(taken), std::move(judgement), core_.parts.clock.steady());
    }
    co_await write_ended();
    batch = co_await take();
  }
}

Task<bool> Sender::connect(Batch& batch) {
  auto begun = core_.parts.clock.steady();
  auto provider = site_.target->provider->id;
  auto requires_tls = [](const Taken& taken) { return taken.job.message->require_tls; };
  auto strict = std::ranges::find_if(batch, requires_tls);
  auto protection = strict == batch.end() ? Protection::as_routed : Protection::proven;
  auto answer = co_await core_.connector.open(site_.route, std::move(provider), protection);
  if (answer) {
    connection_.emplace(*std::move(answer));
    unwritten_ = connection_->record;
    co_return true;
  }
  auto& none = answer.error();
  // It was tried for the first of them, or the first that asks for so much; the others wait as
  // before.
  auto whose = none.only_unproven ? strict : batch.begin();
  auto first = std::move(*whose);
  batch.erase(whose);
  give_back(std::exchange(batch, {}));
  auto judgement = none.only_unproven
                       ? judge_unproven(first.job, none.ending)
                       : judge(core_.parts.book, *site_.target->provider, first.job, none.ending);
  judgement.outcome.latency = core_.parts.clock.steady() - begun;
  judgement.outcome.dialogue = std::move(none.dialogue);
  unwritten_ = std::move(none.record);
  ended(std::move(first), std::move(judgement), begun);
  co_await write_ended();
  co_return false;
}

// What an answer teaches us of the provider, the server or the organisation's name.
void Sender::react(const Job& job, const Judgement& judgement, Steady begun) {
  auto& dispatcher = core_.dispatcher;
  const auto& outcome = judgement.outcome;
  auto organisation = job.message->organisation_id;
  if (outcome.kind == EventKind::delivered) return dispatcher.accepted(site_, organisation);
  if (!outcome.reply_class) return;
  const auto& verdict = judgement.verdict;
  if (verdict.scope == provider::Scope::session) has_enough_ = true;
  if (verdict.scope != provider::Scope::usual) return;
  using provider::Named;
  using provider::ReplyClass;
  switch (*outcome.reply_class) {
    case ReplyClass::unreachable:
      return dispatcher.unreachable(site_, begun);
    case ReplyClass::auth:
      return dispatcher.organisation_refused(*site_.target, organisation, begun);
    case ReplyClass::throttled:
    case ReplyClass::blocked: {
      if (verdict.named == Named::message_id) return;
      bool is_theirs = verdict.named == Named::dkim_domain || verdict.named == Named::spf_domain ||
                       verdict.named == Named::url_domain;
      if (is_theirs) return dispatcher.organisation_refused(*site_.target, organisation, begun);
      bool outright =
          *outcome.reply_class == ReplyClass::blocked || outcome.stage <= smtp::Stage::ehlo;
      return dispatcher.refused(*site_.target, begun, outright);
    }
    default:
      return;
  }
}

// ---- Sending

std::size_t Sender::group_end(const Batch& batch, std::size_t from) const {
  const auto& message = *batch[from].job.message;
  auto most = most_in_group(message);
  auto end = from + 1;
  while (end < batch.size() && end - from < most && batch[end].job.message->id == message.id) ++end;
  return end;
}

bool Sender::may_go_on() const {
  const auto& limits = site_.target->provider->limits;
  const auto& client = *connection_->client;
  auto now = core_.parts.clock.steady();
  auto most = limits.messages_per_connection;
  if (auto said = client.offer().mail_max)
    most = static_cast<int>(std::clamp<std::uint64_t>(*said, 1, static_cast<std::uint64_t>(most)));
  bool is_full = client.transactions() >= most || (limits.recipients_per_connection > 0 &&
                                                   recipients_ >= limits.recipients_per_connection);
  // Others of this provider wait for a connection and have none.
  using Crowd = Target::Crowd;
  auto crowd = site_.target->crowd;
  bool makes_room = (crowd == Crowd::urgent && !site_.turn.has_urgent()) ||
                    (crowd == Crowd::others && client.transactions() >= shared_after);
  return client.usable() && !has_enough_ && !is_full && !makes_room && !core_.is_stopping &&
         site_.target->pacer.window(now) > 0 && site_.pause.until() <= now;
}

Task<> Sender::send(Batch batch) {
  for (;;) {
    auto begun = co_await begin(std::move(batch));
    for (std::size_t from = 0; from < begun.size();) {
      // What cannot be sent any more was not: it waits as before.
      if (!may_go_on()) {
        for (; from < begun.size(); ++from) {
          Judgement untouched;
          untouched.outcome = {.kind = EventKind::untouched, .stage = smtp::Stage::mail};
          ended(std::move(begun[from]), std::move(untouched), core_.parts.clock.steady());
        }
        break;
      }
      auto end = group_end(begun, from);
      Batch group(std::make_move_iterator(begun.begin() + static_cast<std::ptrdiff_t>(from)),
                  std::make_move_iterator(begun.begin() + static_cast<std::ptrdiff_t>(end)));
      co_await send_group(std::move(group));
      from = end;
      bool is_late = core_.parts.clock.steady() - first_ended_ > unwritten_for;
      if (is_late && from < begun.size()) co_await try_to_write_ended();
    }
    batch.clear();
    while (batch.empty() && may_go_on()) {
      batch = co_await take();
      if (!batch.empty()) break;
      co_await write_ended();
      bool is_worth = co_await linger();
      if (!is_worth) break;
    }
    if (batch.empty()) break;
  }
  co_await write_ended();
}

Task<bool> Sender::linger() {
  auto now = core_.parts.clock.steady();
  if (not_before_) {
    if (*not_before_ - now > longest_wait) co_return false;
    co_await core_.parts.clock.sleep_until(*not_before_);
    co_return true;
  }
  if (!may_go_on() || site_.target->crowd != Target::Crowd::none) co_return false;
  site_.idlers.push_back(&bell_);
  co_await bell_.sleep_until(now + lingers);
  std::erase(site_.idlers, &bell_);
  has_idled_ = true;
  co_return !site_.turn.empty();
}

Task<> Sender::send_group(Batch group) {
  const auto& clock = core_.parts.clock;
  auto begun = clock.steady();
  auto message = group.front().job.message;
  auto give_up = [&](EventKind kind, std::string text) {
    for (auto& taken : group) {
      Judgement judgement;
      judgement.outcome = {.kind = kind, .stage = smtp::Stage::mail, .text = text};
      if (kind != EventKind::untouched) judgement.wait = std::chrono::minutes(5);
      if (kind == EventKind::failed) {
        judgement.outcome.reply_class = provider::ReplyClass::content;
        judgement.outcome.rule = "ours.renderer";
      }
      ended(std::move(taken), std::move(judgement), begun);
    }
  };
  if (message->require_tls && !connection_->is_proven) {
    // The connection was opened for others.
    smtp::Ending ending{.stage = smtp::Stage::mail,
                        .breakdown = smtp::Breakdown::tls,
                        .text = "the message requires TLS, which this connection does not give"};
    for (auto& taken : group) {
      auto judgement = judge_unproven(taken.job, ending);
      ended(std::move(taken), std::move(judgement), begun);
    }
    co_return;
  }
  auto* renderer = core_.renderer_of(*message);
  if (renderer == nullptr)
    co_return give_up(EventKind::deferred,
                      "nobody here writes copies of kind " + message->renderer);
  auto prepared = co_await prepare(renderer, group.front().job);
  if (!prepared) {
    bool is_for_now = prepared.error().code == Errc::unavailable;
    co_return give_up(is_for_now ? EventKind::deferred : EventKind::failed, prepared.error().text);
  }
  auto& [copy, form] = *prepared;
  auto transaction = transaction_of(group, form);
  auto results = co_await transact(transaction, group.front().job, copy);
  if (auto other = second_form(form, results.front()); other && may_go_on()) {
    transaction.recipients.front().address = other->on_the_wire();
    results = co_await transact(transaction, group.front().job, copy);
    if (results.front().accepted) co_await remember_form(core_.parts.db, *other);
  }
  // A server that closed an idle connection said nothing of this message: another one takes it.
  bool has_gone_stale = std::exchange(has_idled_, false) && is_gone(results.front());
  if (has_gone_stale) co_return give_up(EventKind::untouched, "the idle connection was closed");
  auto took = clock.steady() - begun;
  seconds_each_ += (std::chrono::duration<double>(took).count() - seconds_each_) / 4;
  recipients_ += static_cast<int>(group.size());
  auto dialogue = connection_->client->take_dialogue();
  bool peer_tells = connection_->client->offer().dsn;
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto judgement =
        judge(core_.parts.book, *site_.target->provider, group[i].job, results[i], peer_tells);
    judgement.outcome.latency = took;
    judgement.outcome.dialogue = dialogue;
    ended(std::move(group[i]), std::move(judgement), begun);
  }
}

// Nothing here may leave a recipient begun: trouble is an error, not an exception.
Task<Result<Sender::Prepared>> Sender::prepare(Renderer* renderer, Job job) {
  try {
    CO_TRY(auto copy, co_await renderer->render(job.message, job.id));
    auto form = co_await first_form(core_.parts.db, job.address);
    co_return Prepared{std::move(copy), std::move(form)};
  } catch (const std::runtime_error& e) {
    co_return fail(Errc::unavailable, e.what());
  }
}

smtp::Message Sender::transaction_of(const Batch& group, const AddressForm& form) const {
  const auto& job = group.front().job;
  const auto& message = *job.message;
  smtp::Message transaction{.reverse_path = core_.reverse_path_of(message, job.id),
                            .body = message.body_type,
                            .smtp_utf8 = message.smtp_utf8,
                            .require_tls = message.require_tls,
                            .ret = message.ret,
                            .envid = message.envid};
  for (const auto& taken : group)
    transaction.recipients.push_back({.address = taken.job.address,
                                      .notify = taken.job.notify,
                                      .original_recipient = taken.job.original_recipient});
  if (group.size() == 1) transaction.recipients.front().address = form.on_the_wire();
  return transaction;
}

Task<std::vector<smtp::RecipientResult>> Sender::transact(smtp::Message transaction, Job first,
                                                          Copy copy) {
  CopySource text(core_.parts.blobs, core_.parts.pool, first.message->body, std::move(copy));
  transaction.size = text.size();
  transaction.text = &text;
  co_return co_await connection_->client->send(std::move(transaction));
}

}  // namespace todoke::queue
