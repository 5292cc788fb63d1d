#include "card.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* More than there are fields that the services of a machine read again and again. */
enum { KEPT = 2048, FIELD_STEP = KEPT / CF_FIELD_COUNT };

struct slot {
    pthread_mutex_t mutex;
    bool is_filled;
    struct cf_stamp stamp; /* the state that the card is good for */
    struct cf_card card;
};

struct cf_cards {
    struct cf_store *store;
    struct slot slot[KEPT];
};

struct cf_cards *cf_cards_new(struct cf_store *store)
{
    struct cf_cards *cards = calloc(1, sizeof *cards);

    if (cards == NULL)
        return NULL;
    cards->store = store;
    for (int i = 0; i < KEPT; i++)
        pthread_mutex_init(&cards->slot[i].mutex, NULL);
    return cards;
}

static void empty(struct slot *slot)
{
    free(slot->card.sealed.bytes);
    cf_grants_release(&slot->card.grants.list);
    slot->card = (struct cf_card){0};
    slot->is_filled = false;
}

void cf_cards_free(struct cf_cards *cards)
{
    if (cards == NULL)
        return;
    for (int i = 0; i < KEPT; i++) {
        empty(&cards->slot[i]);
        pthread_mutex_destroy(&cards->slot[i].mutex);
    }
    free(cards);
}

/* Is it so because of what is stored, and will be as long as that is? */
static bool lasts(enum cf_error error)
{
    return error == CF_OK || error == CF_ENOKEY || error == CF_ETAMPER;
}

static enum cf_error read_card(struct cf_txn *txn, int64_t serial, enum cf_field field, struct cf_card *card)
{
    enum cf_error error = cf_app_by_serial(txn, serial, &card->app);

    if (error == CF_OK)
        error = cf_version_get(txn, &card->app, card->app.version, &card->version);
    if (error != CF_OK)
        return error;
    card->grants.error = cf_grants_load(txn, &card->app, &card->grants.list);
    card->field = field;
    if (!lasts(card->grants.error))
        return card->grants.error;
    card->error = cf_value_sealed(txn, &card->app, &card->version, field, &card->sealed);
    return lasts(card->error) ? CF_OK : card->error;
}

/* Read it anew. It may be kept only if no commit came in between: then it is known which state it shows. */
static enum cf_error fill(struct cf_cards *cards, struct slot *slot, int64_t serial, enum cf_field field)
{
    struct cf_stamp after;
    const bool has_stamp = cf_store_stamp(cards->store, &slot->stamp);
    struct cf_txn txn;
    enum cf_error error = cf_txn_read(cards->store, &txn);

    empty(slot);
    if (error == CF_OK)
        error = read_card(&txn, serial, field, &slot->card);
    cf_txn_end(&txn);
    slot->is_filled = error == CF_OK && has_stamp && cf_store_stamp(cards->store, &after) &&
                      memcmp(&slot->stamp, &after, sizeof after) == 0;
    return error;
}

static bool is_good(const struct cf_cards *cards, const struct slot *slot, int64_t serial, enum cf_field field)
{
    struct cf_stamp now;

    return slot->is_filled && slot->card.app.serial == serial && slot->card.field == field &&
           cf_store_stamp(cards->store, &now) && memcmp(&slot->stamp, &now, sizeof now) == 0;
}

static struct slot *slot_of(struct cf_cards *cards, int64_t serial, enum cf_field field)
{
    return &cards->slot[((uint64_t)serial + (uint64_t)field * FIELD_STEP) % KEPT];
}

enum cf_error cf_card_take(struct cf_cards *cards, int64_t serial, enum cf_field field, const struct cf_card **card)
{
    struct slot *slot = slot_of(cards, serial, field);
    enum cf_error error = CF_OK;

    *card = NULL;
    pthread_mutex_lock(&slot->mutex);
    if (!is_good(cards, slot, serial, field))
        error = fill(cards, slot, serial, field);
    if (error == CF_OK)
        *card = &slot->card;
    else
        pthread_mutex_unlock(&slot->mutex);
    return error;
}

void cf_card_give(struct cf_cards *cards, const struct cf_card *card)
{
    pthread_mutex_unlock(&slot_of(cards, card->app.serial, card->field)->mutex);
}
