import { describeBehind } from './behind-proxy.ts'
import { startCaddy } from './proxies.ts'

describeBehind('caddy', startCaddy)
