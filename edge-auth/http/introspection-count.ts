/** How introspections ended, since the start of the process. Plain numbers: apps ask for every request of theirs. */
export interface IntrospectionCounts {
  active: number
  inactive: number
  /** The asker was refused, or asked for nothing. */
  refused: number
}

export const noIntrospections = (): IntrospectionCounts => ({ active: 0, inactive: 0, refused: 0 })
