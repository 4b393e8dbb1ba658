// Boost.JSON's own code, compiled here once; the library needs no file of its own at run time.
#include <boost/json/src.hpp>
