#include "provider/classify.h"

#include "provider/reply_text.h"

namespace todoke::provider {

Verdict classify(const Book& book, const Provider& provider, const Response& response) {
  ReplyText text(response);
  bool permanent = response.breakdown == smtp::Breakdown::none && text.code_class() == 5;
  for (auto rules : book.rules_for(provider))
    for (const auto& rule : rules)
      if (rule.matches(response, text))
        return {rule.reply_class, rule.id, permanent, rule.named, rule.scope};
  return {.reply_class = ReplyClass::unknown, .rule = "unknown", .permanent = permanent};
}

}  // namespace todoke::provider
