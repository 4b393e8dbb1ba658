#include "smtp/client/client.h"

#include <doctest/doctest.h>

using namespace todoke;
