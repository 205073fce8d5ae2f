// Which entries of conntrack a list or a flush means. The filter in JavaScript's form:
// { family?, original?: side, reply?: side, mark?, markMask?, status?, statusMask?, zone? } with
// side { protocol?, source?, destination?, sourcePort?, destinationPort? }.
#pragma once

#include "../value.h"

namespace vnet {

// The arguments of the kernel's dump. With `precise` the tuples go into CTA_FILTER.
Value conntrack_query(const Value& filter, bool precise);
// The entries of a dump that fit; kernels that know no filter give all.
Value conntrack_matching(const Value& filter, const Value& entries);
// What names an entry for its deletion.
Value conntrack_key(const Value& entry);

}  // namespace vnet
