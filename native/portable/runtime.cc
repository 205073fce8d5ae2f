// What compiled code expects of the C++ library, for the addons that are shipped. They link none:
// Debian's static one needs a newer glibc than Node does, a shared one may be older than ours, and
// for musl there is none. Everything else that we use of it are templates.
//
// No exception can leave code that is built with -fno-exceptions; the library's own functions
// would end the process too, after throwing one.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <system_error>

namespace {

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "vnet-cni: %s\n", why);
  std::abort();
}

}  // namespace

void* operator new(std::size_t size) {
  void* p = std::malloc(size ? size : 1);
  if (!p) die("out of memory");
  return p;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace std {

void __throw_bad_alloc() { die("out of memory"); }
void __throw_bad_array_new_length() { die("an array is too long"); }
void __throw_bad_function_call() { die("an empty function was called"); }
void __throw_length_error(const char* where) { die(where); }
void __throw_logic_error(const char* where) { die(where); }
void __throw_out_of_range_fmt(const char* format, ...) { die(format); }
void __throw_system_error(int) { die("a lock failed"); }

// How make_shared finds its object where there is no type information: by an address, which
// std::shared_ptr compares itself before it asks here.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept { return false; }

}  // namespace std

extern "C" void __cxa_pure_virtual() { die("a pure virtual function was called"); }
