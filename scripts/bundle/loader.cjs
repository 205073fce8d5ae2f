// The script inside Node's blob: finds our code behind the end of the executable, and runs it.
//
// Node's own code cache for a single executable holds what was compiled at build time only, so
// most functions; and node:sea takes milliseconds to load. So the code, its cache with every
// function compiled, and the addon lie behind the ELF file, where one read fetches them.
'use strict'
const { closeSync, fstatSync, openSync, readSync } = require('fs')
const { Script } = require('vm')

/* global CODE, CACHE, ADDON: lengths in bytes, put in by the build */
// Not process.execPath: an upgrade may have put another file there since this one was started.
const fd = openSync('/proc/self/exe', 'r')
const end = fstatSync(fd).size

function read(before, length) {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let at = 0; at < length;) {
    const size = readSync(fd, bytes, at, length - at, end - before + at)
    if (size === 0) throw new Error('the executable is cut off: install it again')
    at += size
  }
  return bytes
}

const parts = read(CODE + CACHE + ADDON, CODE + CACHE)
const script = new Script(parts.latin1Slice(0, CODE), {
  filename: 'vnet-cni',
  cachedData: CACHE ? parts.subarray(CODE) : undefined,
})
if (CACHE && script.cachedDataRejected && process.env.VNET_CNI_TRACE) {
  process.emitWarning('vnet-cni: V8 rejects the code cache')
}
const embedded = {
  addon() {
    const bytes = read(ADDON, ADDON)
    closeSync(fd)
    return bytes
  },
}
script.runInThisContext()(require, embedded)
