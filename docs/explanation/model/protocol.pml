/*
 * Publish, sequence, ship, consume, repair: one partition and one subscription.
 *
 * A database transaction is one step, because that is what a database promises; so is one command
 * or script of Redis. Between two steps anything else may come in, the process may die, and Redis
 * may forget. Each flag that the files test with #ifdef takes one precaution away.
 */

#ifndef EVENTS
#define EVENTS 3 /* 3 at most */
#endif
#ifndef RELAYS
#define RELAYS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifdef RESTORE /* once, the publisher's database may be restored, with the subscriber's or without */
#define RESTORABLE true
#else
#define RESTORABLE false
#endif
#define BATCH 2 /* events in one batch, at most */
#define KEPT  2 /* entries that a stream keeps */
#define SLOTS 5 /* positions that the arrays hold: more than events, for entries added twice */

#include "state.pml"
#include "properties.pml"
#include "publish.pml"
#include "relay.pml"
#include "consume.pml"
#include "faults.pml"
#include "restore.pml"
