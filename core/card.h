/* card.h: what the reveal of a field needs of its App, read and verified once and used again as long as nothing in the
 * database has changed: what makes the read that follows an open, and a service that reads its secret at each request,
 * cheap.
 *
 * A card never holds a plain value: values stay sealed. It is good for one state of the database (cf_store_stamp):
 * any commit, by whomever, makes all cards worthless. Few are kept; this is no index of the store. Thread-safe: a card
 * that was taken is held by one thread until it is given back, which must be soon.
 */
#ifndef CF_CARD_H
#define CF_CARD_H

#include "access.h"
#include "credential.h"

struct cf_cards;

struct cf_card {
    struct cf_app app;
    struct cf_version version; /* the current one */
    struct cf_known_grants grants;
    enum cf_field field;
    struct cf_sealed sealed; /* its value in the current version */
    enum cf_error error;     /* why there is none: CF_ENOKEY, CF_ETAMPER */
};

/* NULL when out of memory. store: must outlive it. */
struct cf_cards *cf_cards_new(struct cf_store *store);
void cf_cards_free(struct cf_cards *cards);

/* Take the card of a field. *card: give it back with cf_card_give; NULL on failure.
 * Returns 0, CF_ENOENT, CF_ETAMPER when the App or its current version does not verify, CF_EIO, CF_ENOMEM. */
CF_CHECKED enum cf_error cf_card_take(struct cf_cards *cards, int64_t serial, enum cf_field field,
                                      const struct cf_card **card);
void cf_card_give(struct cf_cards *cards, const struct cf_card *card);

#endif
