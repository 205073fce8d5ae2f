// Keeps the addons that are shipped loadable with glibc 2.17, older than Node needs: stands in
// for the few newer symbols that a newer glibc's headers and linker choose. Built without link-time
// optimization, because the assembler's .symver must be in the file that makes the call.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc 2.34 moved libpthread into libc under a new version; the old one is still there and the
// same function. Node has loaded libpthread where that is a file of its own.
#if defined(__x86_64__)
#define FIRST "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define FIRST "GLIBC_2.17"
#else
#error "name the first version of glibc for this architecture"
#endif

extern "C" {

int first_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int first_pthread_join(pthread_t, void**);
int first_pthread_attr_setstacksize(pthread_attr_t*, size_t);
int first_pthread_sigmask(int, const sigset_t*, sigset_t*);
__asm__(".symver first_pthread_create, pthread_create@" FIRST);
__asm__(".symver first_pthread_join, pthread_join@" FIRST);
__asm__(".symver first_pthread_attr_setstacksize, pthread_attr_setstacksize@" FIRST);
__asm__(".symver first_pthread_sigmask, pthread_sigmask@" FIRST);

int pthread_create(pthread_t* thread, const pthread_attr_t* attr, void* (*body)(void*),
                   void* arg) noexcept {
  return first_pthread_create(thread, attr, body, arg);
}
int pthread_join(pthread_t thread, void** result) { return first_pthread_join(thread, result); }
int pthread_attr_setstacksize(pthread_attr_t* attr, size_t size) noexcept {
  return first_pthread_attr_setstacksize(attr, size);
}
int pthread_sigmask(int how, const sigset_t* set, sigset_t* before) noexcept {
  return first_pthread_sigmask(how, set, before);
}

// Functions of their own since glibc 2.33; before, inline calls of others. The kernel's struct is
// the same as glibc's on both architectures.
int stat(const char* path, struct stat* out) noexcept {
  return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, out, 0));
}
int fstat(int fd, struct stat* out) noexcept {
  return static_cast<int>(syscall(SYS_newfstatat, fd, "", out, AT_EMPTY_PATH));
}

// Since glibc 2.32: whether reference counts may be counted without atomic instructions. Node
// always has threads.
char __libc_single_threaded = 0;
}
