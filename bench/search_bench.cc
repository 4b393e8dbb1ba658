// How long SEARCH takes over a mailbox of many small messages, with everything in the page cache.
//
//   search_bench [folder] [messages] [workers]      one line of JSON for each kind of search
//
// The words looked for are in one message, so that every body is searched to its end.

#include "base/encoding.h"
#include "base/worker_pool.h"
#include "blob/files.h"
#include "blob/segment_store.h"
#include "mime/structure.h"
#include "store/append.h"
#include "store/search.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

using namespace todoke;
using namespace todoke::store;
using std::chrono::steady_clock;
using Kind = imap::SearchKey::Kind;

namespace {

constexpr std::int64_t account = 7;
constexpr std::size_t message_size = 2048;

enum class Content { ascii, base64_japanese };

std::string make_message(Content content, int n) {
  std::string text = fmt::format(
      "Received: from mx.example.jp by mail.example.jp with ESMTPS id {0:08}; "
      "Fri, 10 Apr 2026 12:00:00 +0900\r\nFrom: Sender {0} <sender{0}@example.jp>\r\n"
      "To: member@example.org\r\nSubject: Report number {0}\r\n"
      "Date: Fri, 10 Apr 2026 12:00:00 +0900\r\nMessage-ID: <{0}.bench@example.jp>\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n",
      n);
  if (content == Content::ascii) {
    text += "\r\n";
    while (text.size() < message_size)
      text += fmt::format("The quick brown fox number {} jumps over the lazy dog again.\r\n", n);
    return text;
  }
  text += "Content-Transfer-Encoding: base64\r\n\r\n";
  std::string words;
  while (text.size() + words.size() * 4 / 3 < message_size)
    words += fmt::format("明日の会議は第{}会議室で、午後三時から始めます。\r\n", n);
  auto encoded = base64_encode(words);
  for (std::size_t at = 0; at < encoded.size(); at += 76) text += encoded.substr(at, 76) + "\r\n";
  return text;
}

struct Installation {
  explicit Installation(const std::string& folder, int workers) : pool(workers) {
    db = sql::open_sqlite({.path = folder + "/bench.db"}).value();
    blobs = blob::open_segments(files, folder + "/blobs", {}).value();
    store = std::make_unique<Store>(*db, *blobs, clock, ids, pool, hub);
    auto work = [&](sql::Tx& tx) { create_mail_account(tx, account, 3, "ja", clock.now()); };
    block_on(db->write(work));
  }

  Mailbox open(std::int64_t mailbox) {
    return block_on(store->open({.account_id = account}, mailbox, right_read | right_insert))
        .value();
  }

  void fill(std::int64_t mailbox, Content content, int count) {
    std::vector<Appended> messages;
    for (int n = 0; n < count; ++n) {
      auto text = make_message(content, n);
      auto structure = mime::parse_structure(text);
      auto writer = blobs->create();
      (void)writer->append(text);
      Parsed parsed{encode(structure.envelope), encode(structure), text.substr(0, 200)};
      messages.push_back({writer->finish({}).value(), std::move(parsed), 0, {}, clock.now()});
      if (messages.size() < 1000 && n + 1 < count) continue;
      block_on(open(mailbox).append(std::move(messages), {})).value();
      messages.clear();
    }
  }

  SystemClock clock;
  IdGenerator ids{clock};
  WorkerPool pool;
  blob::SystemFiles files;
  std::unique_ptr<sql::Db> db;
  std::unique_ptr<blob::Store> blobs;
  Hub hub;
  std::unique_ptr<Store> store;
};

void measure(Installation& in, std::string_view name, std::int64_t mailbox,
             const imap::SearchKey& key) {
  auto box = in.open(mailbox);
  auto view = block_on(box.live()->latest());
  std::vector<double> times;
  std::size_t found = 0;
  auto cpu = std::clock();
  for (int round = 0; round < 5; ++round) {
    SearchContext context{.view = view, .now = in.clock.now()};
    auto start = steady_clock::now();
    found = block_on(search(box, key, std::move(context))).value().size();
    times.push_back(std::chrono::duration<double>(steady_clock::now() - start).count());
  }
  std::ranges::sort(times);
  fmt::print(
      "{{\"bench\":\"search\",\"kind\":\"{}\",\"messages\":{},\"found\":{},\"workers\":{},"
      "\"best_s\":{:.3f},\"median_s\":{:.3f},\"cpu_s\":{:.3f}}}\n",
      name, view->size(), found, in.pool.threads(), times.front(), times[2],
      static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC / 5);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder = argc > 1 ? argv[1] : ".";
  const int messages = argc > 2 ? std::atoi(argv[2]) : 100'000;
  const int workers = argc > 3 ? std::atoi(argv[3]) : 2;
  folder += "/search_bench.tmp";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder + "/blobs");
  {
    Installation in(folder, workers);
    constexpr std::int64_t archive = 6;
    in.fill(inbox_id, Content::ascii, messages);
    in.fill(archive, Content::base64_japanese, messages / 10);
    const auto last = std::to_string(messages - 1),
               last_japanese = std::to_string(messages / 10 - 1);
    const imap::SearchKey body{.kind = Kind::body, .text = "fox Number " + last + " jumps"};
    const imap::SearchKey text{.kind = Kind::text, .text = "report number " + last};
    const imap::SearchKey subject{
        .kind = Kind::header, .field = "subject", .text = "number " + last};
    const imap::SearchKey date{.kind = Kind::before, .date = std::chrono::sys_days{}};
    const imap::SearchKey flag{.kind = Kind::flag, .text = "\\Seen"};
    const imap::SearchKey japanese{.kind = Kind::body, .text = "第" + last_japanese + "会議室"};
    measure(in, "body", inbox_id, body);
    measure(in, "text", inbox_id, text);
    measure(in, "subject", inbox_id, subject);
    measure(in, "before", inbox_id, date);
    measure(in, "seen", inbox_id, flag);
    measure(in, "body, base64 Japanese", archive, japanese);
  }
  std::filesystem::remove_all(folder);
}
