/**
 * Entry of the single executable: runs at once, as the program that it was called as.
 */
import { main } from './main.js'

// argv[0] and argv[1] are both the executable; argv0 is what the caller wrote.
void main(process.argv0, process.argv.slice(2))
