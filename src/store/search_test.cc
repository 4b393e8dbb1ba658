#include "store/search.h"

#include <doctest/doctest.h>
