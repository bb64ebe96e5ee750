/* What must hold. Spin shows the condition that is violated, so no two look alike. */

/* No event of an open or rolled-back transaction is visible. */
#define NO_PHANTOM(e) assert(fate[e] == committed)

/* Positions have no gaps and never change. */
#define POSITION_IS_FREE(p) assert(row[p] == 0)

/* What was committed before an event was published has a lower position. */
#define CAUSE_CAME_FIRST(c) assert(position[c] != 0)

/* The entry at a position is the row at that position. */
#define ENTRY_IS_THE_ROW(p) assert(entry[p] == row[p])

/* A relay never takes a correct stream for that of another log. */
#define STREAM_IS_NOT_AHEAD(id) assert(id <= head_seen)

/* Nothing is handled twice. */
#define NOT_HANDLED_BEFORE(e) assert(handled[e] == 0)

/* Events are handled in order of position. */
#define EARLIER_IS_HANDLED(p) assert(handled[row[p]] == 1)

/* The cursor never passes an event that was not handled. */
#define CURSOR_PASSES_NO_HOLE(e) assert(handled[e] != 0)

/* Once no process dies any more, every committed event is handled. */
#define ARRIVED(e) (e > EVENTS || fate[e] == undone || fate[e] == lost || (fate[e] == committed && handled[e] == 1))
ltl everything_arrives { <> (ARRIVED(1) && ARRIVED(2) && ARRIVED(3)) }
