export {
  addressBytes,
  canonicalAddress,
  compareAddresses,
  familyOf,
  familyOfBytes,
  formatAddress,
  ipv4Bytes,
  ipv6Bytes,
  nextAddress,
  parseAddress,
  previousAddress,
  sortAddresses,
  widthOf,
  type Family,
} from './address.js'
export {
  bytesOf,
  compareBytes,
  maskBytes,
  numberOf,
  predecessor,
  successor,
} from './bytes.js'
export { canonicalMac, formatMac, macBytes, macOf, parseMac } from './mac.js'
export {
  addressOf,
  compareCidrs,
  defaultRoute,
  hostPart,
  hostPrefix,
  parseCidr,
  parseInterface,
  parsePrefix,
  prefixOf,
  rangeOf,
  type AddressRange,
  type Cidr,
  type Prefix,
} from './prefix.js'
export { mergeRanges } from './range.js'
