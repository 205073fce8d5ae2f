/**
 * Entry of the single executable: runs at once, as the program that it was called as.
 */
import { processWorld, type World } from './host/world.js'
import { main } from './main.js'

/** What scripts/bundle/loader.cjs hands to the bundle; a rehearsal has a world of its own. */
declare const embedded: { readonly world?: World }

const { world = processWorld() } = embedded
// argv[0] is the executable's own path; argv0 is what the caller wrote.
void main(world.argv0, world)
