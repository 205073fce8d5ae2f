// Included before everything else in the build for musl (scripts/addon/compile.mjs). Debian has no
// C++ compiler for musl, so its g++ is given musl's C headers under its own C++ headers, and those
// are told here what of glibc they cannot have. Only their templates and inline functions are used:
// the addon links no C++ library (runtime.cc), so there is no compiled code that thinks otherwise.
#pragma once

// libstdc++ asks for a glibc so new that its threads need no weak symbols. musl's never do.
#define __GLIBC_PREREQ(major, minor) 1
#define __locale_t locale_t

#include <bits/c++config.h>

// Waiting by another clock than the default one is not in musl.
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK

// Bits of glibc's table of character classes. The class that names them, std::ctype_base, is
// declared by headers that we use; nothing of ours asks it anything.
#define _ISupper 0x100
#define _ISlower 0x200
#define _ISalpha 0x400
#define _ISdigit 0x800
#define _ISxdigit 0x1000
#define _ISspace 0x2000
#define _ISprint 0x4000
#define _ISblank 0x1
#define _IScntrl 0x2
#define _ISpunct 0x4
