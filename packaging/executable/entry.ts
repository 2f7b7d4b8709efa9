import { main } from '../../cli/index.ts'

// The command line, as the single executable starts it.
void main(process.argv.slice(2))
