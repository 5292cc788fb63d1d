/* The sets that are edited as text: an App's APIs and grants, an API's assignees. Each builds the whole wanted set in
 * memory, validating every entry, and only then writes what differs. */
#include "change_step.h"

#include "api.h"
#include "assignment.h"
#include "edit.h"
#include "grant.h"

#include <stdlib.h>
#include <string.h>

/* Does the write start from nothing? */
static bool replaces(const struct cf_edits *edits, enum cf_write_mode mode)
{
    return mode == CF_REPLACE && !edits->is_marked;
}

void cf_say(struct cf_text *detail, char sign, const char *what)
{
    cf_text_printf(detail, "%s%c%s", detail->len > 0 ? " " : "", sign, what);
}

/* ---- APIs of an App ---- */

struct wish {
    char slug[CF_SLUG_MAX + 1];
    bool before, after;
};

struct wishes {
    struct wish *at; /* room for all that the App has and all entries of the text */
    size_t count;
};

static struct wish *wish_find(struct wishes *wishes, const char *slug)
{
    for (size_t i = 0; i < wishes->count; i++)
        if (strcmp(wishes->at[i].slug, slug) == 0)
            return &wishes->at[i];
    return NULL;
}

static enum cf_error wishes_start(struct cf_change *change, const struct cf_edits *edits, enum cf_write_mode mode,
                                  struct wishes *wishes)
{
    struct cf_assignments list;
    enum cf_error error = cf_assignments_load(&change->txn, &change->app, change->vault->catalogue, &list);

    if (error != CF_OK)
        return error;
    wishes->at = calloc(list.count + edits->count + 1, sizeof *wishes->at);
    if (wishes->at == NULL)
        error = CF_ENOMEM;
    for (size_t i = 0; error == CF_OK && i < list.count; i++) {
        struct wish *wish = &wishes->at[wishes->count++];
        memcpy(wish->slug, list.at[i].slug, sizeof wish->slug);
        wish->before = true;
        wish->after = !replaces(edits, mode);
    }
    cf_assignments_release(&list);
    return error;
}

enum cf_error cf_change_may_give(struct cf_change *change, const struct cf_api *api)
{
    bool is_assignee;
    enum cf_error error;

    if (api->assignment == NULL)
        return CF_OK;
    error = cf_is_assignee(&change->txn, api->slug, change->caller, &is_assignee);
    return error != CF_OK || is_assignee ? error : CF_EUNASSIGNED;
}

static enum cf_error wish_apply(struct cf_change *change, struct wishes *wishes, const struct cf_edit *edit)
{
    const struct cf_api *api;
    struct wish *wish;
    char slug[CF_SLUG_MAX + 1];
    enum cf_error error;

    if (!cf_slug_valid(edit->entry, edit->len))
        return CF_ESLUG;
    memcpy(slug, edit->entry, edit->len);
    slug[edit->len] = '\0';
    api = cf_catalogue_find(change->vault->catalogue, slug);
    wish = wish_find(wishes, slug);
    if (api == NULL && wish == NULL)
        return CF_ESLUG;
    if (wish == NULL) {
        wish = &wishes->at[wishes->count++];
        memcpy(wish->slug, slug, sizeof slug);
    }
    wish->after = edit->sign != '-';
    if (!wish->after || wish->before)
        return CF_OK;
    if (api == NULL)
        return CF_ESLUG;
    error = api->retired ? CF_ERETIRED : cf_change_may_give(change, api);
    if (error != CF_OK) /* one that nobody knows is not said: it may be a value that was to go elsewhere */
        cf_say(&change->detail, '+', slug);
    return error;
}

static enum cf_error wishes_write(struct cf_change *change, const struct wishes *wishes)
{
    enum cf_error error = CF_OK;

    for (size_t i = 0; error == CF_OK && i < wishes->count; i++) {
        const struct wish *wish = &wishes->at[i];
        if (wish->before == wish->after)
            continue;
        cf_say(&change->detail, wish->after ? '+' : '-', wish->slug);
        change->touches = true;
        error = wish->after ? cf_assignment_add(&change->txn, &change->app, wish->slug, change->caller->uid)
                            : cf_assignment_remove(&change->txn, &change->app, wish->slug);
    }
    return error == CF_OK && change->touches ? cf_assignments_seal(&change->txn, &change->app) : error;
}

enum cf_error cf_write_apis(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                            enum cf_write_mode mode, const char *text, size_t len)
{
    struct cf_change change = {.vault = vault, .caller = caller, .op = "assign", .file = "apis"};
    struct wishes wishes = {0};
    struct cf_edits edits = {0};
    enum cf_error error = cf_change_begin_app(&change, serial);

    if (error == CF_OK)
        error = cf_edit_parse(text, len, CF_EDIT_WORDS, &edits);
    if (error == CF_OK)
        error = wishes_start(&change, &edits, mode, &wishes);
    for (size_t i = 0; error == CF_OK && i < edits.count; i++)
        error = wish_apply(&change, &wishes, &edits.at[i]);
    if (error == CF_OK)
        error = wishes_write(&change, &wishes);
    free(wishes.at);
    cf_edits_release(&edits);
    return cf_change_end(&change, error);
}

/* ---- Grants and assignees ---- */

/* An assignee is a user, of no field. */
static enum cf_error parse_grant(const struct cf_edit *edit, bool is_assignee, struct cf_grant *grant)
{
    enum cf_error error = cf_grant_parse(edit->entry, edit->len, grant);

    if (error == CF_OK && is_assignee && (grant->who.kind != CF_USER || grant->field != CF_NO_FIELD))
        error = CF_EVALUE;
    return error;
}

static enum cf_error grant_apply(struct cf_grants *wanted, const struct cf_grants *old,
                                 const struct cf_grant *grant, char sign)
{
    const size_t place = cf_grants_find(wanted, grant);
    const size_t before = cf_grants_find(old, grant);

    if (sign != '-')
        return place < wanted->count ? CF_OK
                                     : cf_grants_add(wanted, before < old->count ? &old->at[before] : grant);
    if (place < wanted->count)
        wanted->at[place] = wanted->at[--wanted->count];
    return CF_OK;
}

void cf_say_grants(struct cf_text *detail, char sign, const struct cf_grants *list, const struct cf_grants *other)
{
    for (size_t i = 0; i < list->count; i++) {
        struct cf_text who = {0};
        if (cf_grants_find(other, &list->at[i]) < other->count)
            continue;
        cf_grant_print(&list->at[i], CF_BY_NAME, &who);
        cf_say(detail, sign, who.data != NULL ? who.data : "?");
        cf_text_release(&who);
    }
}

/* Make the wanted list out of the old one and the text. wanted: owned by the caller. */
static enum cf_error edit_grants(struct cf_change *change, enum cf_write_mode mode, const char *text, size_t len,
                                 bool is_assignee, const struct cf_grants *old, struct cf_grants *wanted)
{
    struct cf_edits edits = {0};
    enum cf_error error = cf_edit_parse(text, len, CF_EDIT_LINES, &edits);

    if (error != CF_OK)
        return error;
    for (size_t i = 0; error == CF_OK && !replaces(&edits, mode) && i < old->count; i++)
        error = cf_grants_add(wanted, &old->at[i]);
    for (size_t i = 0; error == CF_OK && i < edits.count; i++) {
        struct cf_grant grant = {.since = cf_now(), .by = change->caller->uid};
        error = parse_grant(&edits.at[i], is_assignee, &grant);
        if (error == CF_OK)
            error = grant_apply(wanted, old, &grant, edits.at[i].sign);
    }
    cf_edits_release(&edits);
    if (error != CF_OK)
        return error;
    cf_grants_sort(wanted);
    cf_say_grants(&change->detail, '+', wanted, old);
    cf_say_grants(&change->detail, '-', old, wanted);
    return CF_OK;
}

enum cf_error cf_write_grants(struct cf_vault *vault, struct cf_caller *caller, int64_t serial,
                              enum cf_write_mode mode, const char *text, size_t len)
{
    struct cf_change change = {.vault = vault, .caller = caller, .op = "grant", .file = "grants"};
    struct cf_grants old = {0}, wanted = {0};
    enum cf_error error = cf_change_begin_app(&change, serial);

    if (error == CF_OK)
        error = cf_grants_load(&change.txn, &change.app, &old);
    if (error == CF_OK)
        error = edit_grants(&change, mode, text, len, false, &old, &wanted);
    if (error == CF_OK && change.detail.len > 0) {
        change.touches = true;
        error = cf_grants_store(&change.txn, &change.app, &wanted);
    }
    cf_grants_release(&old);
    cf_grants_release(&wanted);
    return cf_change_end(&change, error);
}

enum cf_error cf_write_assignees(struct cf_vault *vault, struct cf_caller *caller, const char *slug,
                                 enum cf_write_mode mode, const char *text, size_t len)
{
    struct cf_change change = {.vault = vault,
                               .caller = caller,
                               .op = cf_action_word(CF_WRITE_ASSIGNEES),
                               .file = "assignees",
                               .name = slug};
    const struct cf_api *api = cf_catalogue_find(vault->catalogue, slug);
    struct cf_grants old = {0}, wanted = {0};
    struct cf_api_row row;
    enum cf_error error = api == NULL || api->assignment == NULL ? CF_EFORBIDDEN : CF_OK;

    if (error == CF_OK)
        error = cf_change_begin(&change);
    if (error == CF_OK)
        error = cf_api_by_slug(&change.txn, slug, &row);
    if (error == CF_OK)
        error = cf_assignees_load(&change.txn, &row, &old);
    if (error == CF_OK)
        error = edit_grants(&change, mode, text, len, true, &old, &wanted);
    if (error == CF_OK && change.detail.len > 0)
        error = cf_assignees_store(&change.txn, &row, &wanted);
    cf_grants_release(&old);
    cf_grants_release(&wanted);
    return cf_change_end(&change, error);
}
