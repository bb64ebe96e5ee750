/* The state. An event is a number: the id of its row, assigned at the insert. */

mtype = { unborn, open, committed, undone, lost };

/* The publisher's database: the log and its head. */
mtype fate[4] = unborn;    /* of the transaction that inserts the event */
byte position[4];          /* of an event; 0: none yet */
byte row[SLOTS + 1];       /* the event at a position */
byte head;

/* Redis: the stream. */
byte entry[SLOTS + 1];     /* the event in the entry <position>-0; 0: not there */
byte last;                 /* the last ID that the stream had */
bool is_new[CONSUMERS];    /* the stream has a mark that this consumer has not seen */
bool stopped;              /* by a relay, until a person has run `epoch` */
bool restored;             /* from here on the stream may be that of a lost future */

/* The subscriber's database. */
byte cursor;
byte cursor_event;         /* the event at the cursor's position when it was handled */
byte handled[4];           /* how often an event had its effect */

bool healed;               /* from here on nothing dies and Redis forgets nothing */
#define DIES !healed

byte before[4];            /* for the proof only: which events were committed before this insert */

/* A process that starts an empty stream gives it a new mark. */
inline mark_as_new(i)
{
#ifdef RESTORE
    for (i : 0 .. CONSUMERS - 1) {
        is_new[i] = true
    }
    i = 0
#else
    skip
#endif
}

inline flush(i)
{
    for (i : 1 .. SLOTS) {
        entry[i] = 0
    }
    last = 0;
    i = 0
}
