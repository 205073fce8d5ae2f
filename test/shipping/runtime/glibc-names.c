// Lets Debian's libstdc++ and libgcc_s, which the JavaScript runtime for musl wants, be loaded by
// musl's loader: the names of glibc that they use and musl does not have.
#include <locale.h>
#include <stddef.h>
#include <sys/random.h>
#include <time.h>

char __libc_single_threaded = 0;
unsigned __cpu_model[4];

int __cpu_indicator_init(void) { return 0; }
// -1: look the frame up in another way.
int _dl_find_object(void *address, void *result) { return -1; }
int __cxa_thread_atexit_impl(void (*end)(void *), void *object, void *library) { return 0; }
unsigned arc4random(void) {
  unsigned value = 0;
  getrandom(&value, sizeof value, 0);
  return value;
}
size_t __strftime_l(char *out, size_t size, const char *format, const struct tm *time,
                    locale_t locale) {
  return strftime_l(out, size, format, time, locale);
}
