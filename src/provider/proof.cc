#include "provider/proof.h"

#include "provider/classify.h"

#include <fmt/format.h>

#include <span>

namespace todoke::provider {
namespace {

void prove(const Book& book, const Provider& provider, std::span<const Rule> rules,
           std::vector<std::string>& faults) {
  for (const auto& rule : rules) {
    for (const auto& fixture : rule.fixtures)
      if (auto verdict = classify(book, provider, fixture.response()); verdict.rule != rule.id)
        faults.push_back(fmt::format("{}: its fixture \"{}\" is taken by {}", rule.id,
                                     fixture.source, verdict.rule));
    for (const auto& fixture : rule.near_misses)
      if (classify(book, provider, fixture.response()).rule == rule.id)
        faults.push_back(fmt::format("{}: it takes \"{}\"", rule.id, fixture.source));
  }
}

}  // namespace

std::vector<std::string> faults(const Book& book) {
  std::vector<std::string> found;
  for (const auto& provider : book.all()) prove(book, provider, provider.rules, found);
  auto lists = book.rules_for(book.generic());
  for (auto rules : std::span(lists).last(3)) prove(book, book.generic(), rules, found);
  return found;
}

}  // namespace todoke::provider
