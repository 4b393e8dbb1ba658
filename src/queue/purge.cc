#include "queue/purge.h"

namespace todoke::queue {

int purge_some(sql::Tx& tx, Time before, int rows) {
  // The oldest first: ids grow with time, so what is over stands at the beginning.
  auto oldest = tx.first<std::int64_t>(
      "select id from queue_message m where remaining <= 0 and created_at < $1 and not exists "
      "(select 1 from queue_notice n where n.message_id = m.id) order by id limit 1",
      before);
  if (!oldest)
    return static_cast<int>(
        tx.run("delete from queue_connection where id in (select id from queue_connection "
               "where begun_at < $1 order by id limit $2)",
               before - kept_evidence, rows));
  auto gone = tx.run(
      "delete from queue_event where message_id = $1 and number in "
      "(select number from queue_recipient where message_id = $1 order by number limit $2)",
      *oldest, rows);
  gone += tx.run(
      "delete from queue_recipient where message_id = $1 and number in "
      "(select number from queue_recipient where message_id = $1 order by number limit $2)",
      *oldest, rows);
  if (!tx.first<int>("select 1 from queue_recipient where message_id = $1 limit 1", *oldest))
    gone += tx.run("delete from queue_message where id = $1", *oldest);
  return static_cast<int>(gone);
}

}  // namespace todoke::queue
