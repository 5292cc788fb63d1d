/* news.h: that an App changes, for those who watch its files: what tells a listener of each change that is made, and
 * what looks for those that nobody makes: a deadline that passes, an API that all gateways agree on by now.
 *
 * What is looked for here is not verified: it tells where to look, and decides nothing.
 */
#ifndef CF_NEWS_H
#define CF_NEWS_H

#include "app.h"

/* Who is told (vault.h). All are required, and may be called by several threads. */
struct cf_news {
    /* A change of this App is about to be committed; and it was, or came to nothing. */
    void (*changing)(void *arg, const struct cf_app *app);
    void (*changed)(void *arg, const struct cf_app *app);
    /* About once a second, on the thread of the house (house.h). */
    void (*tick)(void *arg);
    void *arg;
};

/* Apps to go through. */
enum cf_news_search {
    CF_NEWS_DEADLINES, /* of which a deadline lies behind from and not behind to: of a retiring version, or their
                          expiry; but for those that a change has told of since */
    CF_NEWS_CHANGED,   /* whose last change is not before from and not behind to */
    CF_NEWS_READ,      /* whose credentials somebody has read */
    CF_NEWS_ALL
};

/* The next App of a search behind this serial. from, to: times. Returns 0, CF_ENOENT when there is none. */
CF_CHECKED enum cf_error cf_news_next(struct cf_txn *txn, enum cf_news_search search, int64_t after, int64_t from,
                                      int64_t to, int64_t *serial);

/* When the next of an App's APIs is agreed on, which it is propagation (nanoseconds) after its assignment: the first
 * such time behind now, or 0. */
CF_CHECKED enum cf_error cf_news_agreed(struct cf_txn *txn, int64_t serial, int64_t propagation, int64_t now,
                                        int64_t *time);

#endif
