#pragma once

#include "provider/book.h"

#include <string>
#include <vector>

namespace todoke::provider {

// Puts every fixture of every rule to the classifier and says, one line each, where the book does
// not do what it promises: a fixture that another rule takes (so that a rule that can never match
// is found), a near miss that the rule takes after all.  Empty: the book is sound.
std::vector<std::string> faults(const Book& book);

}  // namespace todoke::provider
