#include "store/view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace todoke::store {
namespace {

Placement message(std::uint32_t uid, std::int64_t modseq = 1, unsigned flags = 0,
                  std::string keywords = {}) {
  return {.message_id = 1000 + std::int64_t{uid},
          .modseq = modseq,
          .size = 10,
          .uid = uid,
          .flags = flags,
          .keywords = std::move(keywords)};
}

std::shared_ptr<const View> view_of(const std::vector<Placement>& messages) {
  ViewBuilder builder;
  for (const auto& one : messages) builder.add(one);
  return builder.finish(messages.empty() ? 1 : messages.back().uid + 1, 1);
}

std::vector<Placement> contents(const View& view) {
  std::vector<Placement> all;
  for (std::size_t i = 0; i < view.size(); ++i) {
    auto [entry, keywords] = view[i];
    all.push_back({.message_id = entry->message_id,
                   .modseq = entry->modseq,
                   .size = entry->size,
                   .uid = entry->uid,
                   .flags = entry->flags,
                   .keywords = std::string(keywords)});
  }
  return all;
}

bool same(const std::vector<Placement>& a, const std::vector<Placement>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) {
    return x.message_id == y.message_id && x.modseq == y.modseq && x.uid == y.uid &&
           x.flags == y.flags && x.keywords == y.keywords;
  });
}

// A mailbox in the plainest form there is.
struct Model {
  std::vector<Placement> messages;
  std::uint32_t uidnext = 1;

  void apply(const Delta& delta) {
    for (const auto& placed : delta.placed) {
      auto at = std::ranges::find(messages, placed.uid, &Placement::uid);
      if (at != messages.end())
        *at = placed;
      else
        messages.push_back(placed);
    }
    std::erase_if(messages, [&](const auto& one) {
      return std::ranges::find(delta.gone, one.uid) != delta.gone.end();
    });
  }
};

Delta random_change(Model& model, std::mt19937& random, std::int64_t modseq) {
  Delta delta;
  auto roll = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (const auto& one : model.messages) {
    if (roll(40) == 0) delta.gone.push_back(one.uid);
    if (roll(30) == 0)
      delta.placed.push_back(message(one.uid, modseq, static_cast<unsigned>(roll(32)),
                                     roll(2) == 0 ? "$Label" + std::to_string(roll(5)) : ""));
  }
  for (auto n = roll(3) == 0 ? roll(1500) : roll(3); n > 0; --n)
    delta.placed.push_back(message(model.uidnext++, modseq));
  return delta;
}

TEST_CASE("view: numbers and UIDs find their messages") {
  auto view = view_of({message(3), message(7, 1, 1, "a b"), message(9)});
  CHECK(view->size() == 3);
  CHECK((*view)[1]->uid == 7);
  CHECK((*view)[1].keywords == "a b");
  CHECK(view->find(9) == 2);
  CHECK_FALSE(view->find(8));
  CHECK(view->lower_bound(4) == 1);
  CHECK(view->lower_bound(10) == 3);
  CHECK(view->largest_uid() == 9);
  CHECK(View().empty());
  CHECK(View().lower_bound(1) == 0);
}

TEST_CASE("view: any sequence of changes gives what a plain list gives, and diffs tell the way") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    Model model;
    auto view = std::make_shared<const View>();
    auto told = view;  // of a session that looks now and then
    for (std::int64_t modseq = 2; modseq < 40; ++modseq) {
      auto delta = random_change(model, random, modseq);
      model.apply(delta);
      view = view->with(delta, modseq);
      REQUIRE(same(contents(*view), model.messages));
      REQUIRE(view->highestmodseq() == modseq);
      REQUIRE(view->uidnext() == model.uidnext);
      for (std::size_t i = 0; i < view->size(); i += 97) REQUIRE(view->find((*view)[i]->uid) == i);
      if (random() % 3 != 0) continue;
      ViewDiff diff(*told, *view);
      // What the session's client makes of it.
      auto client = contents(*told);
      for (auto at = diff.gone.rbegin(); at != diff.gone.rend(); ++at)
        client.erase(client.begin() + static_cast<std::ptrdiff_t>(*at));
      REQUIRE(client.size() == diff.first_new);
      for (auto index : diff.changed) client[index] = model.messages[index];
      for (auto i = diff.first_new; i < view->size(); ++i) client.push_back(model.messages[i]);
      REQUIRE(same(client, model.messages));
      told = view;
    }
  }
}

TEST_CASE("view: a change that is older than what is known changes nothing") {
  auto view = view_of({message(1, 5, 1)});
  auto later = view->with({.placed = {message(1, 4, 2)}, .gone = {77}}, 4);
  CHECK((*later)[0]->flags == 1);
  CHECK(later->highestmodseq() == 4);
}

TEST_CASE("view: the difference of two readings that share nothing") {
  std::vector<Placement> messages;
  for (std::uint32_t uid = 1; uid <= 2000; ++uid) messages.push_back(message(uid));
  auto earlier = view_of(messages);
  messages.erase(messages.begin() + 700);
  messages[5].modseq = 9;
  messages.push_back(message(2001));
  ViewDiff diff(*earlier, *view_of(messages));
  CHECK(diff.gone == std::vector<std::size_t>{700});
  CHECK(diff.changed == std::vector<std::size_t>{5});
  CHECK(diff.first_new == 1999);
}

}  // namespace
}  // namespace todoke::store
