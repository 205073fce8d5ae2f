#!/usr/bin/env node
// What prebuildify calls in node-gyp's place, in a folder for one platform.
import { join } from 'node:path'
import { compileAddon } from './compile.mjs'

const { PREBUILD_ARCH: arch, PREBUILD_LIBC: libc } = process.env
compileAddon({ arch, libc }, join(process.cwd(), 'build', 'Release'))
