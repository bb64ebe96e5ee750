/* What there is. An event is a number: the id of its row, given at the insert. */

mtype = { unborn, open, committed, undone };

/* The publisher's database: the log and its head. */
mtype fate[4] = unborn;    /* of the transaction that inserts the event */
byte position[4];          /* of an event; 0: none yet */
byte row[SLOTS + 1];       /* the event at a position */
byte head;

/* Redis: the stream. */
byte entry[SLOTS + 1];     /* the event in the entry <position>-0; 0: not there */
byte last;                 /* the last ID that the stream had */

/* The subscriber's database. */
byte cursor;
byte handled[4];           /* how often an event had its effect */

bool healed;               /* from here on nothing dies and Redis forgets nothing */
#define DIES !healed

byte before[4];            /* for the proof only: which events were committed before this insert */
